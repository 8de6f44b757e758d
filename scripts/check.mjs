/** `npm run check`: format, lint, types, layers, unused code. Two at a time; every one reports. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root, run, tail } from './setup.mjs';

const CHECKS = [
  {
    name: 'lint (eslint)',
    command: [
      'eslint',
      '.',
      '--max-warnings=0',
      '--cache',
      '--cache-location',
      'node_modules/.cache/eslint/',
    ],
  },
  { name: 'types (tsc)', command: ['tsc', '-p', '.'] },
  { name: 'format (prettier)', command: ['prettier', '--check', '.', '--log-level=warn', '--cache'] },
  {
    name: 'layers and cycles (dependency-cruiser)',
    command: ['depcruise', 'apps', 'libs', '--config', '.dependency-cruiser.cjs', '--output-type', 'err'],
  },
  { name: 'unused code (knip)', command: ['knip', '--no-progress', '--no-config-hints'] },
  { name: 'unused exports', command: ['node', 'scripts/unused-exports.mjs'] },
];

/** Runs all checks, printing one line each. @returns {Promise<{passed: number, failed: number}>} */
export async function runChecks() {
  const waiting = [...CHECKS];
  const failures = [];
  const lane = async () => {
    for (let check = waiting.shift(); check; check = waiting.shift()) {
      const startedAt = Date.now();
      const [tool, ...args] = check.command;
      const { ok, output } = await run(join(root, 'node_modules/.bin', tool), args);
      const took = `${((Date.now() - startedAt) / 1000).toFixed(1)} s`;
      process.stdout.write(`${ok ? 'ok    ' : 'FAILED'} ${check.name}  ${took}\n`);
      if (!ok) failures.push(`--- ${check.name}\n${tail(output, 60)}`);
    }
  };
  await Promise.all([lane(), lane()]);
  for (const text of failures) process.stdout.write(`\n${text}\n`);
  return { passed: CHECKS.length - failures.length, failed: failures.length };
}

if (process.argv[1] && existsSync(process.argv[1]) && fileURLToPath(import.meta.url) === process.argv[1]) {
  const { passed, failed } = await runChecks();
  process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
  process.exitCode = failed > 0 ? 1 : 0;
}
