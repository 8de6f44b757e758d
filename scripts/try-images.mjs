/**
 * `node scripts/try-images.mjs [TARGET …]`: carries out the Dockerfile where there is no Docker engine. Every
 * stage becomes a folder; COPY copies; RUN really runs, in bubblewrap with that folder as /app over this
 * machine's own system. The apt-get lines are only checked for packages that this machine knows. Then each
 * image's command is started as its user on a read-only root, until /readyz answers (services) or it ends.
 * Needs bubblewrap, and ACR_DATABASE_URL for the commands; without it the images are only built.
 */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail, has, root } from './setup.mjs';

const say = (line) => process.stdout.write(`${line}\n`);
const ignored = /(^|\/)(node_modules|dist|\.acr)(\/|$)|\.test\.ts$/;

/** @returns {{from: string, name: string, steps: {word: string, rest: string}[]}[]} the stages in order */
export function parseDockerfile(text) {
  const joined = text.replace(/^#.*\n/gm, '').replace(/\\\n\s*/g, ' ');
  const stages = [];
  for (const line of joined.split('\n').filter((l) => l.trim() !== '')) {
    const [, word, rest] = /^(\w+)\s+(.*)$/.exec(line) ?? fail(`Dockerfile: cannot read "${line}"`);
    if (word === 'FROM') {
      const [, from, name] =
        /^(\S+) AS (\S+)$/.exec(rest) ?? fail(`Dockerfile: stage without a name: ${rest}`);
      stages.push({ from, name, steps: [] });
    } else stages.at(-1).steps.push({ word, rest });
  }
  return stages;
}

/** A stage with what it inherits; its environment, user and command as the image would have them. */
class Stage {
  env = {};
  user = '0:0';
  entrypoint = [];
  cmd = [];
  constructor(name, work) {
    this.name = name;
    this.folder = join(work, name);
  }

  inherit(parent) {
    if (!parent) return mkdirSync(this.folder, { recursive: true });
    cpSync(parent.folder, this.folder, { recursive: true, verbatimSymlinks: true });
    Object.assign(this, {
      env: { ...parent.env },
      user: parent.user,
      entrypoint: parent.entrypoint,
      cmd: parent.cmd,
    });
  }

  /** bubblewrap's arguments: this machine read-only, the stage at /app. */
  args(writable) {
    const bind = writable ? '--bind' : '--ro-bind';
    const env = { PATH: pathOf(), HOME: '/tmp', ...npmEnv(writable), ...this.env };
    const set = Object.entries(env).flatMap(([k, v]) => ['--setenv', k, v]);
    const base = [...systemFolders(), '--dev', '/dev', '--proc', '/proc', '--tmpfs', '/tmp'];
    return [
      ...base,
      '--bind',
      nodeHome,
      '/opt',
      bind,
      this.folder,
      '/app',
      '--die-with-parent',
      '--clearenv',
      ...set,
      '--chdir',
      '/app',
    ];
  }
}

/** This machine's programs and settings, and nothing of its users. */
function systemFolders() {
  const folders = ['bin', 'lib', 'lib64', 'sbin', 'usr', 'etc', 'run'].map((name) => `/${name}`);
  return folders.filter((path) => existsSync(path)).flatMap((path) => ['--ro-bind', path, path]);
}

const nodeHome = join(root, 'node_modules/node');
const pathOf = () => '/opt/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin';
/** npm's own settings of this machine, for the build steps only. */
const npmEnv = (building) =>
  building
    ? Object.fromEntries(
        Object.entries(process.env).filter(([k]) =>
          /^npm_config_|_proxy$|^(node_extra_ca_certs|ssl_cert_file)$/i.test(k),
        ),
      )
    : {};

const HANDLERS = {
  WORKDIR: (_stage, rest) => rest === '/app' || fail(`WORKDIR ${rest}: this script knows only /app`),
  ENV: (stage, rest) =>
    rest
      .split(/\s+/)
      .forEach((pair) => [(stage.env[pair.split('=')[0]] = pair.slice(pair.indexOf('=') + 1))]),
  USER: (stage, rest) => (stage.user = rest === 'root' ? '0:0' : rest),
  EXPOSE: () => undefined,
  HEALTHCHECK: () => undefined,
  ENTRYPOINT: (stage, rest) => (stage.entrypoint = JSON.parse(rest)),
  CMD: (stage, rest) => (stage.cmd = JSON.parse(rest)),
  COPY: copy,
  RUN: runStep,
};

function copy(stage, rest, stages) {
  const words = rest.split(/\s+/);
  const from = words[0].startsWith('--from=') ? stages.get(words.shift().slice(7)) : null;
  const target = words.pop();
  for (const word of words) {
    const source = from ? join(from.folder, relative('/app', word)) : join(root, word);
    if (!existsSync(source)) fail(`COPY ${rest}: ${word} does not exist`);
    const into = target.endsWith('/')
      ? join(stage.folder, relative('/app', word) && !from ? word : '')
      : join(stage.folder, target);
    mkdirSync(dirname(into), { recursive: true });
    cpSync(source, into, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => from !== null || !ignored.test(relative(root, path)),
    });
  }
}

function runStep(stage, rest) {
  if (rest.startsWith('apt-get')) {
    const packages =
      /--no-install-recommends ([\w .+-]+?) &&/.exec(rest)?.[1].split(' ') ?? fail(`cannot read: ${rest}`);
    for (const name of packages)
      if (spawnSync('apt-cache', ['show', name]).status !== 0) fail(`apt knows no package ${name}`);
    return say(`    (not run: apt-get; ${packages.join(', ')} known to apt)`);
  }
  const npmCache = process.env.npm_config_cache ?? join(process.env.HOME ?? '/root', '.npm');
  const cache = existsSync(npmCache)
    ? ['--bind', npmCache, '/tmp/.npm', '--setenv', 'npm_config_cache', '/tmp/.npm']
    : [];
  const result = spawnSync('bwrap', [...stage.args(true), ...cache, 'sh', '-ec', rest], { encoding: 'utf8' });
  if (result.status !== 0) fail(`RUN ${rest}\n${(result.stdout + result.stderr).slice(-3_000)}`);
}

function sizeOf(folder) {
  const [kb] = spawnSync('du', ['-sk', folder], { encoding: 'utf8' }).stdout.split('\t');
  return `${Math.round(Number(kb) / 1024)} MB`;
}

/** Starts an image's command as its user, the root read-only. @returns {Promise<string>} what happened */
async function start(stage, databaseUrl) {
  const [uid, gid] = stage.user.split(':');
  const port = String(18_700 + Math.floor(Math.random() * 1_000));
  const extra = { ACR_DATABASE_URL: databaseUrl, ACR_HTTP_PORT: port };
  const set = Object.entries(extra).flatMap(([k, v]) => ['--setenv', k, v]);
  // tini is not everywhere where this script runs; the command behind it is what is tried.
  const command = [...stage.entrypoint.filter((w) => w !== 'tini' && w !== '--'), ...stage.cmd];
  const ids = ['--unshare-user', '--unshare-pid', '--uid', uid, '--gid', gid];
  const child = spawn('bwrap', [...stage.args(false), ...ids, ...set, ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const ended = new Promise((done) => child.on('exit', (code) => done(code)));
  const giveUpAt = Date.now() + 60_000;
  try {
    while (Date.now() < giveUpAt && child.exitCode === null) {
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
      if (answer?.ok)
        return `uid ${uid}: ready${/"sandbox":"(\w+)"/.exec(output)?.[0] ? `, ${/"sandbox":"(\w+)"/.exec(output)[0]}` : ''}`;
      await sleep(200);
    }
    if (child.exitCode === 0) return `uid ${uid}: ended with 0: ${output.trim().split('\n').at(-1)}`;
    return fail(`${stage.name} did not become ready:\n${output.slice(-3_000)}`);
  } finally {
    child.kill('SIGTERM');
    await Promise.race([ended, sleep(5_000)]);
    child.kill('SIGKILL');
  }
}

async function main(targets) {
  if (!has('bwrap')) fail('bubblewrap is needed (apt-get install bubblewrap).');
  const work = mkdtempSync(join(tmpdir(), 'acr-images-'));
  process.on('exit', () => rmSync(work, { recursive: true, force: true }));
  const built = new Map();
  const databaseUrl = process.env.ACR_DATABASE_URL;
  for (const { from, name, steps } of parseDockerfile(readFileSync(join(root, 'Dockerfile'), 'utf8'))) {
    const startedAt = Date.now();
    const stage = new Stage(name, work);
    stage.inherit(built.get(from));
    built.set(name, stage);
    say(`${name} (from ${from})`);
    for (const { word, rest } of steps) {
      say(`    ${word} ${rest.slice(0, 100)}`);
      (HANDLERS[word] ?? fail(`Dockerfile: ${word} is not known to this script`))(stage, rest, built);
    }
    say(`  ${sizeOf(stage.folder)} in /app, ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
  }
  const images = [...built.values()].filter(
    (s) => s.cmd.length > 0 && (targets.length === 0 || targets.includes(s.name)),
  );
  // Migrations first: the services wait for them.
  images.sort((a, b) => Number(b.name === 'migrate') - Number(a.name === 'migrate'));
  for (const stage of databaseUrl ? images : []) say(`${stage.name}: ${await start(stage, databaseUrl)}`);
  if (!databaseUrl) say('ACR_DATABASE_URL is not set: the commands were not started.');
  const left = readdirSync(join(built.get('service').folder, 'libs')).filter((lib) =>
    existsSync(join(built.get('service').folder, 'libs', lib, 'src')),
  );
  if (left.length > 0) fail(`sources in the image: ${left.join(', ')}`);
  for (const path of ['libs/testing', 'node_modules/testcontainers', 'node_modules/jest'])
    if (existsSync(join(built.get('service').folder, path)))
      fail(`only tests need ${path}; it is in the image`);
  say(`${images.length} passed, 0 failed`);
}

await main(process.argv.slice(2));
