import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DIMENSIONS } from '@acrouter/domain/task';
import type { VerificationSpec } from '@acrouter/domain/task';
import { EXAMPLES_DIR, readExampleBundle } from './example-bundle';
import type { ExampleTask } from './example-bundle';

/**
 * The bundled examples are our own programs, so that they are run bare here; answers of models never are.
 * Also tells whether python3 is there: without it only the JavaScript tasks are run.
 */
const run = promisify(execFile);
const bundle = readExampleBundle();
const specs = new Map<string, VerificationSpec | undefined>();
for (const file of readdirSync(join(EXAMPLES_DIR, 'tasks')))
  for (const line of readFileSync(join(EXAMPLES_DIR, 'tasks', file), 'utf8')
    .split('\n')
    .filter(Boolean)) {
    const task = JSON.parse(line) as { id: string; verification?: VerificationSpec };
    specs.set(task.id, task.verification);
  }

const root = mkdtempSync(join(tmpdir(), 'acr-examples-'));
let hasPython = true;
beforeAll(async () => {
  hasPython = await run('python3', ['--version']).then(
    () => true,
    () => false,
  );
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Program that runs the examples in a prompt, for tasks that have no other check. */
const doctest = (task: ExampleTask): string => `
import doctest, sys
examples = doctest.DocTestParser().get_doctest(${JSON.stringify(task.prompt)}.split("\`\`\`")[1].replace('"""', ""), globals(), "prompt", None, 0)
assert examples.examples
sys.exit(doctest.DocTestRunner(verbose=False).run(examples).failed)
`;

async function passes(task: ExampleTask, answer: string, name: string): Promise<boolean> {
  const spec = specs.get(task.id) ?? { tests: doctest(task) };
  const folder = join(root, `${task.id}-${name}`);
  const main = task.language === 'python' ? 'answer.py' : 'answer.js';
  const files = {
    ...spec.files,
    [spec.answerFile ?? main]: spec.tests ? `${answer}\n${spec.tests}` : answer,
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const node = process.execPath;
  const [program, args] = spec.command
    ? ['sh', ['-c', spec.command]]
    : task.language === 'python'
      ? ['python3', [main]]
      : [node, [main]];
  const env = { PATH: `${dirname(node)}:/usr/local/bin:/usr/bin:/bin`, PYTHONDONTWRITEBYTECODE: '1' };
  return run(program, args, { cwd: folder, timeout: 10_000, killSignal: 'SIGKILL', env }).then(
    () => true,
    () => false,
  );
}

test('every dimension has at least six tasks, with prompts that can be told apart', () => {
  for (const dimension of DIMENSIONS)
    expect(bundle.filter((t) => t.dimension === dimension).length).toBeGreaterThanOrEqual(6);
  expect(bundle.length).toBeGreaterThanOrEqual(60);
  expect(new Set(bundle.map((t) => t.prompt)).size).toBe(bundle.length);
  expect(new Set(bundle.map((t) => t.id)).size).toBe(bundle.length);
  for (const task of bundle) expect(task.wrong.length).toBeGreaterThanOrEqual(2);
});

test('the task files are what the sources make', async () => {
  const script = join(EXAMPLES_DIR, '..', 'scripts', 'build-examples.mjs');
  const { stdout } = await run(process.execPath, [script, '--check']);
  expect(stdout).toContain(`${bundle.length} example tasks`);
});

describe.each(DIMENSIONS.map((d) => [d]))('%s', (dimension) => {
  test('every right answer passes and every wrong one fails, when run', async () => {
    const jobs = bundle
      .filter((t) => t.dimension === dimension && (hasPython || t.language !== 'python'))
      .flatMap((task) => [
        { task, answer: task.correct, name: 'correct', right: true },
        ...task.wrong.map((answer, i) => ({ task, answer, name: `wrong-${i + 1}`, right: false })),
      ]);
    const surprises: string[] = [];
    const work = async () => {
      for (let job = jobs.pop(); job; job = jobs.pop())
        if ((await passes(job.task, job.answer, job.name)) !== job.right)
          surprises.push(`${job.task.id} ${job.name}`);
    };
    await Promise.all(Array.from({ length: availableParallelism() }, work));
    if (!hasPython) process.stdout.write('python3 is not there: only the JavaScript examples were run\n');
    expect(surprises.sort()).toEqual([]);
  }, 120_000);
});
