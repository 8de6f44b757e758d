import {
  acceptedRunSchema,
  acceptedTaskSchema,
  modelListSchema,
  problemSchema,
  runViewSchema,
  taskPageSchema,
  taskViewSchema,
} from '@acrouter/contracts/http';
import { QUEUED_CHANNEL } from '@acrouter/db/admission-store';
import { insertAttempt } from '@acrouter/db/attempt-store';
import { loadTask } from '@acrouter/db/task-store';
import { Notifications } from '@acrouter/queue/notifications';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { ask, startTestGateway, type TestGateway } from './test-gateway';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());

const specs = (n: number, from = 0) =>
  Array.from({ length: n }, (_, i) => ({ id: `t-${from + i}`, prompt: `Write number ${from + i}` }));

async function wasTold(taskId: string): Promise<boolean> {
  const { db, queue: connection } = gateway.context;
  const waiting = await db.selectFrom('outbox_groups').select('messages').execute();
  if (JSON.stringify(waiting).includes(`decide-${taskId}`)) return true;
  const jobs = await connection.queue('decide').getJobs();
  return jobs.some((job) => JSON.stringify(job.data).includes(taskId));
}

describe('tasks', () => {
  test('one task is stored with its limits, told of, and queued', async () => {
    const notifications = new Notifications(QUEUED_CHANNEL, {
      databaseUrl: gateway.context.env.ACR_DATABASE_URL,
      applicationName: 'test',
    });
    const told = new Promise<string>((done) => void notifications.on(done));
    await notifications.on(() => undefined);
    const answer = await ask(gateway, 'POST', '/v1/tasks', {
      id: 'mine',
      prompt: 'Add two numbers',
      language: 'python',
      dimension: 'algorithm',
      maxAttempts: 2,
      maxCostUsd: 0.5,
      costWeight: 3,
      priority: 'high',
      metadata: { source: 'suite', difficulty: 'easy' },
    });
    expect(answer.status).toBe(202);
    const { id } = acceptedTaskSchema.parse(answer.body);
    const row = await loadTask(gateway.context.db, id);
    expect(row).toMatchObject({
      tenant_id: 'default',
      external_id: 'mine',
      source: 'suite',
      max_attempts: 2,
      max_cost_usd: 0.5,
      cost_weight: 3,
      phase: 'context',
      priority: 2,
      admitted_at: null,
      metadata: { source: 'suite', difficulty: 'easy' },
    });
    expect(row?.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    const events = await gateway.context.db
      .selectFrom('events')
      .select('type')
      .where('task_id', '=', id)
      .execute();
    expect(events).toEqual([{ type: 'task.accepted' }]);
    expect(await told).toBe('');
    await notifications.close();
    const view = taskViewSchema.parse((await ask(gateway, 'GET', `/v1/tasks/${id}`)).body);
    expect(view).toMatchObject({ status: 'queued', costUsd: 0, unknownCalls: 0, attempts: [], answer: null });
  });

  test('a caller’s traceparent is kept', async () => {
    const traceId = 'ab'.repeat(16);
    const headers = { traceparent: `00-${traceId}-${'1'.repeat(16)}-01` };
    const { body } = await ask(gateway, 'POST', '/v1/tasks', { prompt: 'p' }, headers);
    expect((await loadTask(gateway.context.db, String(body['id'])))?.traceparent).toContain(traceId);
  });

  test('1,000 tasks at once, all or none; 1,001 are refused', async () => {
    const answer = await ask(gateway, 'POST', '/v1/runs', { name: 'big', tasks: specs(1_000) });
    expect(answer.status).toBe(202);
    const run = acceptedRunSchema.parse(answer.body);
    expect(run.taskCount).toBe(1_000);
    expect(run.tasks.map((t) => t.externalId)).toEqual(specs(1_000).map((s) => s.id));
    let cursor: string | null = null;
    const seen: (string | null)[] = [];
    do {
      const page = taskPageSchema.parse(
        (await ask(gateway, 'GET', `/v1/runs/${run.id}/tasks?limit=300${cursor ? `&cursor=${cursor}` : ''}`))
          .body,
      );
      seen.push(...page.tasks.map((t) => t.externalId));
      cursor = page.nextCursor;
    } while (cursor);
    expect(seen).toEqual(specs(1_000).map((s) => s.id));
    const tooMany = await ask(gateway, 'POST', '/v1/tasks', { tasks: specs(1_001) });
    expect(tooMany.status).toBe(400);
  });

  test('are found by the caller’s own name, newest first', async () => {
    for (const prompt of ['old', 'new']) await ask(gateway, 'POST', '/v1/tasks', { id: 'twice', prompt });
    const page = taskPageSchema.parse((await ask(gateway, 'GET', '/v1/tasks?external_id=twice')).body);
    expect(page.tasks).toHaveLength(2);
    expect((await loadTask(gateway.context.db, page.tasks[0]?.id ?? ''))?.prompt).toBe('new');
  });

  test('an attempt whose only call was never reported has no cost, not cost 0', async () => {
    const { db } = gateway.context;
    const id = String((await ask(gateway, 'POST', '/v1/tasks', { prompt: 'p' })).body['id']);
    await insertAttempt(db, id, 1, 'glm-5');
    const line = {
      task_id: id,
      attempt: 1,
      tenant_id: 'default',
      model: 'glm-5',
      reserved_usd: 1,
      price: '{}',
    };
    await db
      .insertInto('ledger')
      .values({ ...line, call: 1, state: 'unknown', held_usd: 1, simulated: true })
      .execute();
    const before = taskViewSchema.parse((await ask(gateway, 'GET', `/v1/tasks/${id}`)).body);
    expect(before).toMatchObject({ costUsd: null, unknownCalls: 1, simulated: true });
    await db
      .insertInto('ledger')
      .values({ ...line, call: 2, state: 'settled', held_usd: 0, cost_usd: 0.25 })
      .execute();
    const after = taskViewSchema.parse((await ask(gateway, 'GET', `/v1/tasks/${id}`)).body);
    expect(after).toMatchObject({ costUsd: 0.25, unknownCalls: 1 });
    expect(after.attempts[0]).toMatchObject({ model: 'glm-5', costUsd: 0.25, unknownCalls: 1 });
  });

  test('a verdict that says nothing shows no score', async () => {
    const { db } = gateway.context;
    const id = String((await ask(gateway, 'POST', '/v1/tasks', { prompt: 'p' })).body['id']);
    for (const [attempt, conclusive] of [false, true].entries()) {
      await insertAttempt(db, id, attempt, 'glm-5');
      await db
        .updateTable('attempts')
        .set({ status: 'recorded', score: 1, passed: true, verdict: JSON.stringify({ conclusive }) })
        .where('task_id', '=', id)
        .where('attempt', '=', attempt)
        .execute();
    }
    const view = taskViewSchema.parse((await ask(gateway, 'GET', `/v1/tasks/${id}`)).body);
    expect(view.attempts.map((a) => [a.score, a.passed])).toEqual([
      [null, null],
      [1, true],
    ]);
  });
});

describe('runs', () => {
  test('take chunks, refuse a name that they have, and show their progress', async () => {
    const run = acceptedRunSchema.parse(
      (
        await ask(gateway, 'POST', '/v1/runs', {
          name: 'chunks',
          maxCostUsd: 2,
          expectedTasks: 4,
          tasks: specs(2),
        })
      ).body,
    );
    const more = await ask(gateway, 'POST', `/v1/runs/${run.id}/tasks`, { tasks: specs(2, 2) });
    expect(more.body).toMatchObject({ id: run.id, taskCount: 4 });
    const twin = await ask(gateway, 'POST', `/v1/runs/${run.id}/tasks`, { tasks: specs(2, 3) });
    expect(twin.status).toBe(400);
    expect(problemSchema.parse(twin.body).errors).toEqual([
      expect.objectContaining({ path: 'tasks[0].id' }) as unknown,
    ]);
    const view = runViewSchema.parse((await ask(gateway, 'GET', `/v1/runs/${run.id}`)).body);
    expect(view).toMatchObject({
      status: 'running',
      taskCount: 4,
      queued: 4,
      running: 0,
      settled: 0,
      maxCostUsd: 2,
      budget: { spentUsd: 0, heldUsd: 0 },
      costUsd: 0,
      finishedAt: null,
    });
  });

  test('cancelling asks the orchestrator for every open task, and the run takes no more', async () => {
    const run = acceptedRunSchema.parse((await ask(gateway, 'POST', '/v1/runs', { tasks: specs(3) })).body);
    const { db } = gateway.context;
    const [settled, inLoop] = run.tasks.map((t) => t.id);
    await db
      .updateTable('tasks')
      .set({ admitted_at: new Date() })
      .where('id', '=', inLoop ?? '')
      .execute();
    await db
      .updateTable('tasks')
      .set({ phase: 'settled', outcome: 'solved', solved: true, settled_at: new Date() })
      .where('id', '=', settled ?? '')
      .execute();
    const answer = await ask(gateway, 'POST', `/v1/runs/${run.id}/cancel`);
    expect(answer).toMatchObject({ status: 202, body: { id: run.id, requested: 2 } });
    for (const task of run.tasks) {
      // A queued task leaves without a message.
      expect(await wasTold(task.id)).toBe(task.id === inLoop);
      const row = await loadTask(db, task.id);
      expect(row?.cancel_requested_at !== null).toBe(task.id !== settled);
      expect(row?.state_version).toBe(0);
    }
    const late = await ask(gateway, 'POST', `/v1/runs/${run.id}/tasks`, { tasks: specs(1, 9) });
    expect(late).toMatchObject({ status: 409, body: { code: 'ACR_RUN_CANCELLED' } });
    const single = await ask(gateway, 'POST', `/v1/tasks/${settled}/cancel`);
    expect(single.body).toMatchObject({ requested: 0 });
  });
});

test('the pool is shown with prices, the strongest, and who cools down', async () => {
  const model = gateway.context.models.models[0]?.id ?? '';
  await gateway.context.db
    .insertInto('model_health')
    .values({
      model,
      cooling_until: new Date(Date.now() + 60_000),
      consecutive_outages: 2,
      last_error: '429',
    })
    .execute();
  const list = modelListSchema.parse((await ask(gateway, 'GET', '/v1/models')).body);
  expect(list.data.length).toBeGreaterThan(1);
  expect(list.data.filter((m) => m.strongest)).toHaveLength(1);
  expect(list.data.every((m) => m.simulated)).toBe(true);
  expect(
    list.data.filter((m) => m.cooling !== null).map((m) => [m.id, m.cooling?.consecutiveOutages]),
  ).toEqual([[model, 2]]);
});

test('tasks of a run have its priority, unless they have their own', async () => {
  const tasks = [{ prompt: 'a' }, { prompt: 'b', priority: 'high' }];
  const run = acceptedRunSchema.parse(
    (await ask(gateway, 'POST', '/v1/runs', { priority: 'low', expectedTasks: 3, tasks })).body,
  );
  await ask(gateway, 'POST', `/v1/runs/${run.id}/tasks`, { tasks: [{ prompt: 'c' }] });
  const { db } = gateway.context;
  const rows = await db
    .selectFrom('tasks')
    .select('priority')
    .where('run_id', '=', run.id)
    .orderBy('id')
    .execute();
  expect(rows.map((r) => r.priority)).toEqual([0, 2, 0]);
});

test('with the queue away a cancellation is accepted all the same and stays in the outbox', async () => {
  const { db, publisher } = gateway.context;
  const { id } = acceptedTaskSchema.parse((await ask(gateway, 'POST', '/v1/tasks', { prompt: 'p' })).body);
  await db.updateTable('tasks').set({ admitted_at: new Date() }).where('id', '=', id).execute();
  const away = jest.spyOn(publisher, 'publishMany').mockRejectedValue(new Error('away'));
  try {
    expect((await ask(gateway, 'POST', `/v1/tasks/${id}/cancel`)).status).toBe(202);
    const rows = await db.selectFrom('outbox_groups').select('messages').execute();
    expect(rows.flatMap((r) => r.messages)).toContainEqual(
      expect.objectContaining({ queue: 'decide', payload: { kind: 'cancel', taskId: id } }),
    );
    expect(away).toHaveBeenCalled();
  } finally {
    away.mockRestore();
  }
});
