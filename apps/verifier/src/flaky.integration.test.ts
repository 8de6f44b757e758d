import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openDatabase, type Database } from '@acrouter/db/client';
import { knownFlaky, rememberFlaky } from '@acrouter/db/flaky-store';
import type { VerificationSpec } from '@acrouter/domain/task';
import { createTestDatabase, type TestDatabase } from '@acrouter/testing/databases';
import { answered, openVerifier, verdictOf, type TestVerifier } from './testing-verifier';

let testDb: TestDatabase;
let db: Database;
let verifier: TestVerifier;
beforeAll(async () => {
  testDb = await createTestDatabase();
  db = openDatabase({ url: testDb.url, poolSize: 8 });
  verifier = await openVerifier(db, 'http://127.0.0.1:9', '{}');
});
afterAll(async () => {
  await verifier.close();
  await db.destroy();
  await testDb.drop();
});

const verification: VerificationSpec = {
  command: 'cat answer.sh > $ACR_REPORT',
  report: { format: 'junit' },
  timeoutMs: 60_000,
};
const report = (...failed: string[]) =>
  `\`\`\`bash\n<testsuite>${['a', 'b'].map((n) => `<testcase name="${n}">${failed.includes(n) ? '<failure/>' : ''}</testcase>`).join('')}</testsuite>\n\`\`\``;
const task = (more: VerificationSpec = verification) => ({
  prompt: 'x',
  language: 'bash',
  verification: more,
});
const delivery = () => ({ signal: new AbortController().signal, waitMs: 0 });
const key = (of: VerificationSpec) => ({ tenantId: 'default', verification: of });

async function check(answer: string, spec = verification) {
  const id = await answered(db, [answer], task(spec));
  await verifier.service.verify({ taskId: id, attempt: 1 }, delivery());
  return (await verdictOf(db, id, 1, 'tests')).signal?.evidence ?? {};
}

test('a failure without history is one run', async () => {
  expect((await check(report('a')))['runs']).toBeUndefined();
});

test('a failure of a test that is known to be flaky is repeated; both runs are stored', async () => {
  const spec = { ...verification, timeoutMs: 60_001 };
  await rememberFlaky(db, key(spec), ['a']);
  await rememberFlaky(db, key(spec), ['a']);
  expect(await check(report('a'), spec)).toMatchObject({
    repeated: 'history',
    flaky: false,
    runs: [{ failed: ['a'] }, { failed: ['a'] }],
  });
  expect((await check(report('a', 'b'), spec))['runs']).toBeUndefined();
});

test('another tenant and another check know nothing of it', async () => {
  const spec = { ...verification, timeoutMs: 60_002 };
  await rememberFlaky(db, key(spec), ['a']);
  expect(await knownFlaky(db, { ...key(spec), tenantId: 'other' })).toEqual(new Set());
  expect(await knownFlaky(db, key({ ...spec, timeoutMs: 60_003 }))).toEqual(new Set());
});

test('two verdicts on the same answer show which test is flaky', async () => {
  const spec = { ...verification, timeoutMs: 60_004 };
  // Passes where the first attempt's check left no mark: a stand-in for a test that depends on more than the answer.
  const id = await answered(db, [report('b'), report('b')], task(spec));
  await verifier.service.verify({ taskId: id, attempt: 1 }, delivery());
  await db
    .updateTable('attempts')
    .set({ passed: true })
    .where('task_id', '=', id)
    .where('attempt', '=', 1)
    .execute();
  await verifier.service.verify({ taskId: id, attempt: 2 }, delivery());
  expect(await knownFlaky(db, key(spec))).toEqual(new Set(['b']));
});
