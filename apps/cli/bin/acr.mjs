#!/usr/bin/env node
/**
 * `acr`: makes sure that the program is built and runs on the project's own Node (24, from npm), then loads it.
 * Committed as plain JavaScript, so that npm can link it before anything is built.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import nodeModule from 'node:module';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const self = fileURLToPath(import.meta.url);
const root = join(dirname(self), '../../..');
const setup = join(root, 'scripts/setup.mjs');
const projectNode = join(root, 'node_modules/node/bin/node');
const WANTED_MAJOR = 24;
/** Set for the process that the launcher starts, and for none further down. */
const LAUNCHED = 'ACR_LAUNCHED';
const FORCE_AFTER_MS = 10_000;

/** Ends as if asked to when the launcher has died, or by force when that takes too long. */
function endWithLauncher() {
  const line = new Socket({ fd: 3, readable: true, writable: false });
  line.on('error', () => undefined);
  line.once('close', () => {
    process.kill(process.pid, 'SIGTERM');
    setTimeout(() => process.exit(1), FORCE_AFTER_MS).unref();
  });
  line.resume();
  // Listening must not keep a command alive that has finished.
  line.unref();
}

if (Number(process.versions.node.split('.')[0]) < WANTED_MAJOR && existsSync(projectNode)) {
  // The fourth descriptor closes when we die, however we die: the child must not work on unseen.
  const child = spawn(projectNode, [self, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...process.env, [LAUNCHED]: '1' },
  });
  // A terminal sends Ctrl-C to the whole group: the child decides when to end, and we end with it.
  process.on('SIGINT', () => {
    if (!process.stdin.isTTY) child.kill('SIGINT');
  });
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 1);
    child.stdio[3].destroy();
  });
} else {
  if (process.env[LAUNCHED]) {
    delete process.env[LAUNCHED];
    endWithLauncher();
  }
  if (existsSync(setup)) {
    const { build, fail, needsBuild, needsInstall } = await import(setup);
    if (needsBuild()) {
      if (!existsSync(join(root, 'node_modules')) || needsInstall())
        fail('Packages are missing. Run "npm ci" first.');
      process.stderr.write('Building …\n');
      await build();
    }
  }
  // Halves the time until `--help` shows; where the folder cannot be written, nothing is cached.
  nodeModule.enableCompileCache?.(join(root, 'node_modules/.cache/acrouter-compile'));
  const { main } = nodeModule.createRequire(import.meta.url)('../dist/main.js');
  process.exitCode = await main(process.argv.slice(2));
}
