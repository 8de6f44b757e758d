#!/usr/bin/env node
/**
 * `acr`: makes sure that the program is built and runs on the project's own Node (24, from npm), then loads it.
 * Committed as plain JavaScript, so that npm can link it before anything is built.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import nodeModule from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const self = fileURLToPath(import.meta.url);
const root = join(dirname(self), '../../..');
const setup = join(root, 'scripts/setup.mjs');
const projectNode = join(root, 'node_modules/node/bin/node');
const WANTED_MAJOR = 24;

if (Number(process.versions.node.split('.')[0]) < WANTED_MAJOR && existsSync(projectNode)) {
  const child = spawn(projectNode, [self, ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal sends Ctrl-C to the whole group: the child decides when to end, and we end with it.
  process.on('SIGINT', () => undefined);
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
  });
} else {
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
