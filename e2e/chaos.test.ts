import { afterEach, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { addTasks, OpenAiServer } from './openai-server';
import { Stack } from './stack';

/** The full measure is ACR_CHAOS_TASKS=500 ACR_CHAOS_KILLS=20; every run of the tests does a part of it. */
const TASKS = Number(process.env['ACR_CHAOS_TASKS'] ?? 150);
const KILLS = Number(process.env['ACR_CHAOS_KILLS'] ?? 10);
const SERVICES = ['gateway', 'orchestrator', 'executor', 'verifier', 'memory'];

let stack: Stack | null = null;
let server: OpenAiServer | null = null;
afterEach(async () => {
  await stack?.stop();
  await server?.stop();
  stack = server = null;
});

/** Facts that must hold whatever was killed. */
async function facts(databaseUrl: string) {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const one = async (sql: string) => Number((await client.query<{ n: string }>(sql)).rows[0]?.n);
    return {
      settled: await one(`select count(*) n from tasks where settled_at is not null`),
      solved: await one(`select count(*) n from tasks where solved`),
      settlements: await one(`select count(*) n from events where type = 'task.settled'`),
      duplicateAttempts: await one(
        `select count(*) n from (select 1 from attempts group by task_id, attempt having count(*) > 1) d`,
      ),
      attemptsPerDecision: await one(
        `select count(*) n from attempts a where (select count(*) from decisions d where d.task_id = a.task_id and d.attempt = a.attempt) <> 1`,
      ),
      feedbackTwice: await one(
        `select count(*) n from (select 1 from feedback where source = 'verifier' group by task_id, attempt having count(*) > 1) d`,
      ),
      calls: await one(`select count(*) n from ledger where state in ('settled', 'unknown', 'sent')`),
      settledCalls: await one(`select count(*) n from ledger where state = 'settled'`),
      openCalls: await one(`select count(*) n from ledger where state in ('reserved', 'sent')`),
      outages: await one(
        `select count(*) n from experiences e join attempts a on a.task_id = e.task_key and a.attempt = e.attempt where a.status = 'outage'`,
      ),
    };
  } finally {
    await client.end();
  }
}

async function submit(running: Stack): Promise<void> {
  running.file('tasks.jsonl', addTasks(TASKS));
  const submitted = await running.acr('submit', 'tasks.jsonl', '--json');
  expect(submitted.code).toBe(0);
}

/** Kills services at random, each of the five at least once, while the run goes on. */
async function killAtRandom(running: Stack, kills: number): Promise<void> {
  for (let done = 0; done < kills;) {
    await sleep(500 + Math.random() * 1_000);
    const name = SERVICES[done < SERVICES.length ? done : Math.floor(Math.random() * SERVICES.length)];
    const victim = running.state.services.find((s) => s.name === name);
    if (victim && kill(victim.pid)) done++;
  }
}

/** False when it was dead already: its supervisor is still waiting to start it again. */
function kill(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

async function untilSettled(running: Stack): Promise<void> {
  for (const deadline = Date.now() + 300_000; Date.now() < deadline; await sleep(1_000))
    if ((await facts(running.state.databaseUrl)).settled === TASKS) return;
}

function check(f: Awaited<ReturnType<typeof facts>>, served: OpenAiServer): void {
  expect(f).toMatchObject({
    settled: TASKS,
    solved: TASKS,
    settlements: TASKS,
    duplicateAttempts: 0,
    attemptsPerDecision: 0,
    feedbackTwice: 0,
    openCalls: 0,
    outages: 0,
  });
  // Every call that reached the provider is in the ledger: none was lost with the process that made it.
  expect(f.calls).toBeGreaterThanOrEqual(served.calls);
}

describe(`${TASKS} tasks while services are killed with SIGKILL ${KILLS} times`, () => {
  test('on Postgres: every task settles once, nothing is duplicated, every call is in the ledger', async () => {
    server = await OpenAiServer.start({ delayMs: 100 });
    stack = await Stack.start(server.modelsYaml());
    await submit(stack);
    await killAtRandom(stack, KILLS);
    await untilSettled(stack);
    check(await facts(stack.state.databaseUrl), server);
  }, 600_000);

  test('on Redis, which is emptied once in the middle: the same', async () => {
    server = await OpenAiServer.start({ delayMs: 100 });
    stack = await Stack.start(server.modelsYaml(), { queue: 'redis' });
    await submit(stack);
    await killAtRandom(stack, KILLS / 2);
    await stack.flushRedis();
    await killAtRandom(stack, KILLS / 2);
    await untilSettled(stack);
    check(await facts(stack.state.databaseUrl), server);
  }, 600_000);
});
