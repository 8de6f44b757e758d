import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { openDatabase, type Database } from '@acrouter/db/client';
import { moneyOf } from '@acrouter/db/ledger-store';
import { readPairs } from '@acrouter/db/opinion-store';
import { createTestDatabase, type TestDatabase } from '@acrouter/testing/databases';
import { StandInJudge } from './testing-judge';
import { answered, openVerifier, verdictOf, type TestVerifier } from './testing-verifier';

const PROMPT = 'def add_up(values: List[int]) -> int:\n    """Return the sum of the values."""\n';
const RIGHT = 'def add_up(values):\n    return sum(values)\n';
const ALSO_RIGHT = 'def add_up(values):\n    s = 0\n    for v in values:\n        s += v\n    return s\n';
const WRONG = 'def add_up(values):\n    return len(values)\n';
const TASK = { prompt: PROMPT, language: 'python', dimension: 'code_generation' };
const SAMPLE_USD = 0.02;

let testDb: TestDatabase;
let db: Database;
let model: StandInJudge;
let opened: TestVerifier[] = [];

beforeAll(async () => {
  testDb = await createTestDatabase();
  db = openDatabase({ url: testDb.url, poolSize: 8 });
});
afterAll(async () => {
  await db.destroy();
  await testDb.drop();
});
beforeEach(async () => {
  model = await StandInJudge.start();
  model.reply = () => ({ text: model.asked.length % 2 === 0 ? RIGHT : ALSO_RIGHT });
});
afterEach(async () => {
  for (const verifier of opened) await verifier.close();
  opened = [];
  await model.stop();
});

async function verifier(section: string) {
  const made = await openVerifier(db, model.baseUrl, section);
  opened.push(made);
  return made.service;
}

const SAMPLES = '{ consistency: { model: judge, checkedShare: 0 } }';
const delivery = () => ({ signal: new AbortController().signal, waitMs: 0 });
const compared = (taskId: string, attempt = 1) => verdictOf(db, taskId, attempt, 'consistency');

describe('an answer without tests, compared with two samples', () => {
  test.each([
    ['a right one agrees and passes', RIGHT, true],
    ['a wrong one stands alone and fails', WRONG, false],
  ])(
    '%s',
    async (_, answer, passes) => {
      const id = await answered(db, [answer], TASK);
      await (await verifier(SAMPLES)).verify({ taskId: id, attempt: 1 }, delivery());
      const { row, signal } = await compared(id);
      expect(signal).toMatchObject({ evidence: { answers: 3 } });
      expect(Object.keys(signal?.evidence['agrees'] ?? {})).toEqual(['sample 1', 'sample 2']);
      expect(row).toMatchObject({ passed: passes, verdict: { conclusive: true } });
      expect(await moneyOf(db, id, 1)).toMatchObject({ costUsd: 0.001 + 2 * SAMPLE_USD, unknownCalls: 0 });
    },
    60_000,
  );

  test('a later attempt, and a check that runs twice, use the samples there are', async () => {
    const service = await verifier(SAMPLES);
    const id = await answered(db, [WRONG, RIGHT], TASK);
    await service.verify({ taskId: id, attempt: 1 }, delivery());
    await service.verify({ taskId: id, attempt: 2 }, delivery());
    await db.updateTable('attempts').set({ status: 'answered' }).where('task_id', '=', id).execute();
    await service.verify({ taskId: id, attempt: 2 }, delivery());
    expect(model.asked).toHaveLength(2);
    expect((await compared(id, 2)).signal?.evidence).toMatchObject({ answers: 4 });
  }, 60_000);
});

test('a model that says the same again is one opinion, and decides nothing', async () => {
  const service = await verifier(SAMPLES);
  model.reply = () => ({ text: RIGHT });
  const id = await answered(db, [WRONG], TASK);
  await service.verify({ taskId: id, attempt: 1 }, delivery());
  expect(model.asked).toHaveLength(2);
  const { row, signal } = await compared(id);
  expect(signal?.evidence).toMatchObject({ answers: 2, agrees: { 'sample 1': expect.any(Number) } });
  expect(row).toMatchObject({ passed: false, verdict: { conclusive: false } });
  // All three answers are the judge model's own text: there is nobody to agree with.
  const same = await answered(db, [RIGHT], TASK);
  await db.updateTable('attempts').set({ model: 'judge' }).where('task_id', '=', same).execute();
  await service.verify({ taskId: same, attempt: 1 }, delivery());
  expect((await compared(same)).signal).toMatchObject({ status: 'unavailable', score: null });
  expect((await compared(same)).row).toMatchObject({ passed: false, verdict: { conclusive: false } });
}, 60_000);

test('earlier answers are free to compare with, but for those that were found wrong', async () => {
  const service = await verifier('{}');
  const id = await answered(db, ['def add_up(', ALSO_RIGHT, RIGHT], TASK);
  for (const attempt of [1, 2, 3]) await service.verify({ taskId: id, attempt }, delivery());
  expect((await compared(id, 2)).signal).toBeUndefined();
  expect((await compared(id, 3)).signal).toMatchObject({
    score: 1,
    evidence: { agrees: { 'attempt 2': 1 } },
  });
  expect(model.asked).toHaveLength(0);
  // Two answers that agree may both be wrong in the same way: that decides nothing.
  expect((await compared(id, 3)).row).toMatchObject({ verdict: { conclusive: false } });
}, 60_000);

test('on answers that given tests have judged, agreement is paired with the truth', async () => {
  const service = await verifier('{ consistency: { model: judge, checkedShare: 1 } }');
  const verification = { tests: 'assert add_up([1, 2]) == 3\nassert add_up([5]) == 5' };
  for (const answer of [RIGHT, WRONG]) {
    const id = await answered(db, [answer], { ...TASK, tenantId: 'pairs', verification });
    await service.verify({ taskId: id, attempt: 1 }, delivery());
    expect((await compared(id)).row?.passed).toBe(answer === RIGHT);
  }
  const pairs = (await readPairs(db, 'pairs')).filter((p) => p.kind === 'consistency');
  expect(pairs.find((p) => p.said === 1)).toMatchObject({ right: 1, wrong: 0 });
  expect(pairs.find((p) => p.said < 1)).toMatchObject({ right: 0, wrong: 1 });
}, 60_000);
