import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { addTasks, OpenAiServer } from './openai-server';
import { Stack, type Ran } from './stack';

/** A loop of one place and a queue of 1,000: what else is submitted must wait for room. */
let stack: Stack;
let server: OpenAiServer;
beforeAll(async () => {
  server = await OpenAiServer.start({ delayMs: 300 });
  stack = await Stack.start(server.modelsYaml(), {
    env: { ACR_WINDOW: '1', ACR_BACKLOG_PER_TENANT: '1000' },
  });
}, 120_000);
afterAll(async () => {
  await server.stop();
  // Not there when it could not be started.
  await (stack as Stack | undefined)?.stop();
}, 120_000);

interface Accepted {
  id: string;
}
const parsed = <T>(ran: Ran): T => JSON.parse(ran.stdout) as T;

test('acr submit waits for room, or fails when told to; acr ci submit gives up in time', async () => {
  stack.file('many.jsonl', addTasks(1_000));
  stack.file('few.jsonl', addTasks(40));
  const first = parsed<Accepted>(await stack.acr('submit', 'many.jsonl', '--priority', 'low', '--json'));

  const impatient = await stack.acr('submit', 'few.jsonl', '--no-wait-for-room');
  expect([impatient.code, impatient.stderr]).toEqual([
    5,
    expect.stringMatching(/ACR_BACKLOG_FULL.*at most 1000/s),
  ]);
  const job = ['--repository', 'r', '--commit', 'c', '--job', 'j'];
  const pipeline = await stack.acr('ci', 'submit', 'few.jsonl', ...job, '--wait-for-room', '1s');
  expect([pipeline.code, pipeline.stderr]).toEqual([5, expect.stringContaining('waiting for room')]);

  const patient = stack.acr('submit', 'few.jsonl', '--json');
  // Long enough to be refused once; then there is room.
  await sleep(4_000);
  expect((await stack.acr('cancel', '--run', first.id)).code).toBe(0);
  const waited = await patient;
  expect([waited.code, waited.stderr]).toEqual([0, expect.stringContaining('waiting for room')]);

  const again = await stack.acr('ci', 'submit', 'few.jsonl', ...job, '--json');
  expect([again.code, parsed<{ taskCount: number }>(again).taskCount]).toEqual([0, 40]);
}, 180_000);

test('acr tenants and acr retention show and set what an admin needs', async () => {
  expect((await stack.acr('tenants', 'set-weight', 'default', '2.5')).code).toBe(0);
  const listed = parsed<Record<string, unknown>>(await stack.acr('tenants', 'list', '--json'));
  expect(listed).toMatchObject({ tenantId: 'default', weight: 2.5 });
  expect(listed['queued']).toBeGreaterThan(0);
  expect((await stack.acr('tenants', 'set-weight', 'default', '0')).code).toBe(2);
  const text = await stack.acr('tenants', 'list');
  expect(text.stdout).toMatch(/tenant +weight +queued +in loop +admitted\n default +2.5 /);

  const due = await stack.acr('retention', 'run', '--dry-run', '--task-days', '7', '--json');
  expect([due.code, parsed(due)]).toEqual([
    0,
    {
      dryRun: true,
      policy: { textDays: 90, taskDays: 7, eventDays: 30 },
      rows: { texts: 0, tasks: 0, runs: 0, events: 0, 'idempotency-keys': 0, outbox: 0 },
    },
  ]);
  const taken = await stack.acr('retention', 'run');
  expect([taken.code, taken.stdout]).toEqual([0, expect.stringMatching(/texts +0\n tasks +0\n/)]);
}, 60_000);
