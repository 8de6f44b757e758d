/**
 * `npm test`: installs what is missing, builds, then checks, unit, integration and end-to-end tests.
 * `npm test -- --unit` (or --check, --integration, --e2e, several at once) runs a part.
 * The last line is `N passed, N failed`, with `, N skipped` when there are any.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChecks } from './check.mjs';
import { provideKubectl } from './kubectl.mjs';
import { BUBBLEWRAP, fail, prepare, projectEnv, PROMETHEUS, REDIS, root, Steps } from './setup.mjs';

const STAGES = ['check', 'unit', 'integration', 'e2e'];
const cores = availableParallelism();
/**
 * Test files at a time. Integration and end-to-end tests mostly wait for processes that they started; every end-to-end
 * file has stacks of its own, and more than two at once would only slow each other down.
 */
const WORKERS = { unit: cores, integration: Math.min(2 * cores, 8), e2e: 2 };
const asked = process.argv.slice(2).map((flag) => flag.replace(/^--/, ''));
const strange = asked.find((name) => !STAGES.includes(name));
if (strange) fail(`Unknown part "${strange}". There are: ${STAGES.map((name) => `--${name}`).join(' ')}`);
const stages = asked.length > 0 ? STAGES.filter((name) => asked.includes(name)) : STAGES;

/** Runs one jest project; its own output goes to the terminal, its counts come back. */
async function runJest(project) {
  const folder = mkdtempSync(join(tmpdir(), 'acr-jest-'));
  const outputFile = join(folder, 'result.json');
  const args = ['--selectProjects', project, '--passWithNoTests', '--json', `--outputFile=${outputFile}`];
  args.push(`--maxWorkers=${WORKERS[project]}`);
  const code = await new Promise((done) => {
    // --json would print the whole result on stdout; the readable report is on stderr.
    const child = spawn(join(root, 'node_modules/.bin/jest'), args, {
      cwd: root,
      env: projectEnv(),
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    child.on('error', () => done(1));
    child.on('close', (status) => done(status ?? 1));
  });
  const counts = readCounts(outputFile);
  rmSync(folder, { recursive: true, force: true });
  // A failure that is nobody's test (a set-up that failed, a process left behind) still counts as one.
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

function readCounts(file) {
  try {
    const result = JSON.parse(readFileSync(file, 'utf8'));
    return {
      passed: result.numPassedTests,
      failed: result.numFailedTests + result.numRuntimeErrorTestSuites,
      skipped: result.numPendingTests + result.numTodoTests,
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

const steps = new Steps(stages.includes('e2e') ? 4 : 3);
await prepare(steps, [BUBBLEWRAP, REDIS, PROMETHEUS]);
if (stages.includes('e2e')) await steps.step('Looking for kubectl', provideKubectl);
const total = { passed: 0, failed: 0, skipped: 0 };
for (const stage of stages) {
  process.stdout.write(`\n=== ${stage} ===\n`);
  const startedAt = Date.now();
  const counts = stage === 'check' ? await runChecks() : await runJest(stage);
  for (const key of Object.keys(total)) total[key] += counts[key] ?? 0;
  const took = ((Date.now() - startedAt) / 1000).toFixed(1);
  process.stdout.write(`--- ${stage}: ${counts.passed} passed, ${counts.failed} failed in ${took} s\n`);
}
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed${skipped}\n`);
process.exitCode = total.failed > 0 ? 1 : 0;
