/**
 * What quickstart, the tests and the `acr` launcher share: finding out what is missing and fetching it.
 * Plain JavaScript on the machine's own Node (>= 20.19), without any package: it runs before `npm ci`.
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, 'node_modules', '.bin');
const stamp = join(root, 'node_modules', '.cache', 'acrouter-built');
const OLDEST_NODE = [20, 19];
/** A build takes seconds; a lock this old belongs to one that was killed. */
const BUILD_LIMIT_MS = 180_000;

/** The environment in which `node` and every tool are the project's own. */
export function projectEnv() {
  return { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`, NX_DAEMON: 'false' };
}

/** Ends the process with a plain message when this Node cannot even install the project. */
export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  fail(`Node ${process.versions.node} is too old: ${OLDEST_NODE.join('.')} or newer is needed (nodejs.org).`);
}

/** Says why and ends with exit code 1. */
export function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/**
 * Runs a program in the project; output is kept and shown only when it fails.
 * @returns {Promise<{ok: boolean, output: string}>} never rejects
 */
export function run(command, args, options = {}) {
  return new Promise((done) => {
    const child = spawn(command, args, {
      cwd: root,
      env: projectEnv(),
      stdio: ['ignore', 'pipe', 'pipe'],
      ...options,
    });
    let output = '';
    const keep = (chunk) => (output = (output + chunk).slice(-200_000));
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.on('error', (error) => done({ ok: false, output: `${command}: ${error.message}` }));
    child.on('close', (code) => done({ ok: code === 0, output }));
  });
}

/** The last lines of a failed program's output, for a person. */
export const tail = (output, count = 30) => output.trimEnd().split('\n').slice(-count).join('\n');

/** Whether node_modules differs from package-lock.json (npm keeps a list of what it installed there). */
export function needsInstall() {
  const installed = readJson(join(root, 'node_modules', '.package-lock.json'))?.packages;
  if (!installed || !existsSync(join(bin, process.platform === 'win32' ? 'node.cmd' : 'node'))) return true;
  const wanted = Object.entries(readJson(join(root, 'package-lock.json'))?.packages ?? {});
  return wanted.some(([path, entry]) => {
    if (!/(^|\/)node_modules\//.test(path)) return false;
    const found = installed[path];
    return found ? found.version !== entry.version : !(entry.optional || entry.devOptional || entry.peer);
  });
}

/** `npm ci`. Ends the process when it fails. */
export async function install() {
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  // npm itself must run on the machine's own Node: node_modules, with the project's, is being replaced.
  const { ok, output } = await run(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    env: process.env,
    shell: process.platform === 'win32',
  });
  if (ok) return;
  // npm says what is wrong first, and then at length how it could have been called.
  const reason = output.split('\n').slice(0, 12).join('\n');
  fail(`npm ci failed:\n${reason}\nIs the npm registry reachable? Then run the command again.`);
}

/** The newest change of anything that is built, ms; 0 where there are no sources (an installed image). */
function newestSource() {
  let newest = 0;
  const visit = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) visit(path);
      else if (!entry.name.endsWith('.test.ts')) newest = Math.max(newest, statSync(path).mtimeMs);
    }
  };
  for (const project of projects()) visit(join(project, 'src'));
  return newest;
}

function projects() {
  const folders = ['apps', 'libs'].map((name) => join(root, name)).filter((path) => existsSync(path));
  return folders
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((path) => existsSync(join(path, 'package.json')))
    .filter((path) => existsSync(join(path, 'src')) && readdirSync(join(path, 'src')).length > 0);
}

/** Whether something must be built before it can run. Takes a few milliseconds. */
export function needsBuild() {
  const built = existsSync(stamp) ? statSync(stamp).mtimeMs : 0;
  return newestSource() > built || projects().some((path) => !existsSync(join(path, 'dist')));
}

/** Builds every project unless another process has just done so. Ends the process when it fails. */
export async function build() {
  mkdirSync(dirname(stamp), { recursive: true });
  const lock = `${stamp}.lock`;
  for (; !takeLock(lock); await sleep(100));
  try {
    if (!needsBuild()) return;
    const startedAt = new Date();
    const { ok, output } = await run(join(bin, 'nx'), ['run-many', '-t', 'build', '--outputStyle=static']);
    if (!ok) throw new Error(`The build failed:\n${tail(output)}`);
    writeFileSync(stamp, '');
    // Sources that changed while the build ran are newer than the stamp, and so are built next time.
    utimesSync(stamp, startedAt, startedAt);
  } catch (error) {
    rmSync(lock, { recursive: true, force: true });
    fail(error.message);
  }
  rmSync(lock, { recursive: true, force: true });
}

/** One build at a time: two would delete each other's output. A lock of a killed build is taken over. */
function takeLock(lock) {
  const owner = join(lock, 'pid');
  try {
    mkdirSync(lock);
    writeFileSync(owner, String(process.pid));
    return true;
  } catch {
    const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > BUILD_LIMIT_MS || !runs(owner)) rmSync(lock, { recursive: true, force: true });
    return false;
  }
}

/** Whether the process named in a file runs; `true` while the file is not written yet. */
function runs(file) {
  try {
    process.kill(Number(readFileSync(file, 'utf8')) || process.pid, 0);
    return true;
  } catch (error) {
    return error.code !== 'ESRCH';
  }
}

/** Whether a program is on the PATH. */
export function has(program) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return folders.some((folder) => existsSync(join(folder, program)));
}

const MANAGERS = [
  { name: 'apt-get', update: ['update', '-q'], add: ['install', '-y', '-q', '--no-install-recommends'] },
  { name: 'dnf', add: ['install', '-y', '-q'] },
  { name: 'apk', add: ['add', '--no-cache', '-q'] },
  { name: 'pacman', add: ['-S', '--noconfirm', '--needed'] },
  { name: 'zypper', add: ['--non-interactive', '--quiet', 'install'] },
];

/**
 * Installs system packages where that is allowed: as root, or with a sudo that asks no password.
 * @returns {Promise<string | null>} null when done, else why not, for a person
 */
export async function installSystemPackages(names) {
  const manager = MANAGERS.find((m) => has(m.name));
  if (!manager) return 'no package manager that this script knows';
  const isRoot = process.getuid?.() === 0;
  const sudo = !isRoot && has('sudo') && spawnSync('sudo', ['-n', 'true']).status === 0;
  if (!isRoot && !sudo)
    return `it needs root; by hand: sudo ${[manager.name, ...manager.add, ...names].join(' ')}`;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const call = (args) =>
    sudo ? run('sudo', ['-n', manager.name, ...args], { env }) : run(manager.name, args, { env });
  if (manager.update) await call(manager.update);
  const { ok, output } = await call([...manager.add, ...names]);
  return ok ? null : `${manager.name} failed: ${tail(output, 2)}`;
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

/**
 * Numbered progress lines with elapsed times: `[2/6] Installing packages … 31.4 s`.
 * On a terminal the time counts while the work goes on.
 */
export class Steps {
  #count;
  #number = 0;
  constructor(count) {
    this.#count = count;
  }

  /** Runs `work` as the next step; a string that it returns is shown behind the time. */
  async step(title, work) {
    const head = `[${++this.#number}/${this.#count}] ${title} …`;
    const startedAt = Date.now();
    const elapsed = () => `${((Date.now() - startedAt) / 1000).toFixed(1)} s`;
    const live = process.stdout.isTTY;
    const timer = live ? setInterval(() => process.stdout.write(`\r${head} ${elapsed()}`), 200) : undefined;
    if (live) process.stdout.write(head);
    const said = await work();
    clearInterval(timer);
    process.stdout.write(`${live ? '\r' : ''}${head} ${elapsed()}${said ? `  (${said})` : ''}\n`);
  }
}

/** The three steps that quickstart and the tests begin with. */
export async function prepare(steps, systemPackages) {
  checkNode();
  await steps.step('Installing packages (npm ci)', async () => {
    if (!needsInstall()) return 'up to date';
    await install();
  });
  const missing = systemPackages.filter((p) => !has(p.program)).map((p) => p.package);
  await steps.step(`Looking for ${systemPackages.map((p) => p.package).join(', ')}`, async () => {
    if (missing.length === 0) return 'found';
    const reason = await installSystemPackages(missing);
    return reason === null
      ? `installed ${missing.join(', ')}`
      : `${missing.join(', ')} not installed: ${reason}`;
  });
  await steps.step('Building', async () => {
    if (!needsBuild()) return 'up to date';
    await build();
  });
}

export const BUBBLEWRAP = { program: 'bwrap', package: 'bubblewrap' };
export const REDIS = { program: 'redis-server', package: 'redis-server' };
/** Scrapes a real stack in the tests of ops/; they say that they were not run where it cannot be installed. */
export const PROMETHEUS = { program: 'promtool', package: 'prometheus' };
