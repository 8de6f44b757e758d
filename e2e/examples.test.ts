import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readExampleBundle } from '@acrouter/models/example-bundle';
import { openSandbox } from '@acrouter/sandbox/open';
import type { Sandbox } from '@acrouter/sandbox/sandbox';
import { DIMENSIONS, type VerificationSpec } from '@acrouter/domain/task';
import { verifyAnswer } from '@acrouter/verification/verify';
import { randomUUID } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/**
 * The verifier's own judgement of the bundled examples, in the sandbox of this machine: every right program must
 * pass and no wrong one may. libs/models has the same test with the programs run bare.
 */
interface TaskLine {
  id: string;
  prompt: string;
  verification?: VerificationSpec;
}
const TASKS = join(__dirname, '..', 'examples', 'tasks');
const tasks = new Map(
  readdirSync(TASKS)
    .flatMap((file) => readFileSync(join(TASKS, file), 'utf8').split('\n').filter(Boolean))
    .map((line) => JSON.parse(line) as TaskLine)
    .map((task) => [task.id, task]),
);
const bundle = readExampleBundle();

let sandbox: Sandbox | null = null;
let reason = '';
beforeAll(async () => {
  sandbox = await openSandbox({}).catch((error: Error) => {
    reason = error.message;
    return null;
  });
});
afterAll(() => sandbox?.close());

describe.each(DIMENSIONS.map((d) => [d]))('%s', (dimension) => {
  test('the verifier tells right from wrong', async () => {
    if (!sandbox) return void process.stdout.write(`not run: ${reason}\n`);
    const box = sandbox;
    const jobs = bundle
      .filter((t) => t.dimension === dimension)
      .flatMap((t) => [
        { ...t, code: t.correct, name: 'correct', right: true },
        ...t.wrong.map((code, i) => ({ ...t, code, name: `wrong-${i + 1}`, right: false })),
      ]);
    const surprises: unknown[] = [];
    const work = async () => {
      for (let job = jobs.pop(); job; job = jobs.pop()) {
        const { id, prompt, language, code, name, right } = job;
        const answer = `\`\`\`${language}\n${code.trimEnd()}\n\`\`\``;
        const verification = tasks.get(id)?.verification ?? null;
        const deps = { sandbox: box, token: randomUUID };
        const verdict = await verifyAnswer({ prompt, language, dimension, verification }, answer, deps);
        if (verdict.passed !== right || !verdict.conclusive)
          surprises.push({ id, name, signals: verdict.signals, refused: verdict.refused });
      }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, work));
    expect(surprises).toEqual([]);
  }, 180_000);
});
