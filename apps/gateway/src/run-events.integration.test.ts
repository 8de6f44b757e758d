import type { RunEvent } from '@acrouter/contracts/http';
import { insertEvents } from '@acrouter/db/event-store';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ask, startTestGateway, type TestGateway } from './test-gateway';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());

interface Frame {
  id: string;
  event: string;
  data: RunEvent;
}

/** Reads frames until `enough`, or to the end; then hangs up. */
async function follow(runId: string, lastEventId?: string, enough = Infinity): Promise<Frame[]> {
  const hangUp = new AbortController();
  const response = await fetch(`${gateway.url}/v1/runs/${runId}/events`, {
    headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
    signal: hangUp.signal,
  });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const frames: Frame[] = [];
  let buffer = '';
  for await (const chunk of response.body ?? []) {
    buffer += new TextDecoder().decode(chunk as Uint8Array);
    for (let end = buffer.indexOf('\n\n'); end >= 0; end = buffer.indexOf('\n\n')) {
      const fields = Object.fromEntries(
        buffer
          .slice(0, end)
          .split('\n')
          .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      );
      buffer = buffer.slice(end + 2);
      if (fields['data'] === undefined) continue;
      frames.push({
        id: fields['id'] ?? '',
        event: fields['event'] ?? '',
        data: JSON.parse(fields['data']) as RunEvent,
      });
      if (frames.length >= enough) break;
    }
    if (frames.length >= enough) break;
  }
  hangUp.abort();
  return frames;
}

async function startRun(n: number): Promise<{ id: string; tasks: string[] }> {
  const tasks = Array.from({ length: n }, (_, i) => ({ id: `e-${i}`, prompt: 'p' }));
  const { body } = await ask(gateway, 'POST', '/v1/runs', { tasks });
  return { id: String(body['id']), tasks: (body['tasks'] as { id: string }[]).map((t) => t.id) };
}

/** Settles a task as the orchestrator would: state and event in one transaction. */
async function settle(runId: string, taskId: string, inside?: () => Promise<void>): Promise<void> {
  await gateway.context.db.transaction().execute(async (trx) => {
    await insertEvents(trx, [
      { tenantId: 'default', runId, taskId, type: 'task.settled', data: { outcome: 'solved' } },
    ]);
    await inside?.();
    await trx
      .updateTable('tasks')
      .set({ phase: 'settled', outcome: 'solved', solved: true, settled_at: new Date() })
      .where('id', '=', taskId)
      .execute();
  });
}

test('a run is told from the beginning to its end', async () => {
  const run = await startRun(3);
  const reading = follow(run.id);
  for (const task of run.tasks) await settle(run.id, task);
  const frames = await reading;
  expect(frames.map((f) => f.event)).toEqual([
    ...Array.from({ length: 3 }, () => 'task.accepted'),
    ...Array.from({ length: 3 }, () => 'task.settled'),
    'run.finished',
  ]);
  expect(frames[0]?.data.data).toEqual({ externalId: 'e-0' });
  expect(frames.at(-1)?.data.data).toMatchObject({ id: run.id, status: 'finished', settled: 3 });
  const end = frames.at(-1)?.id ?? '';
  const back = await fetch(`${gateway.url}/v1/runs/${run.id}/events`, { headers: { 'last-event-id': end } });
  expect(back.status).toBe(204);
});

test('an event that commits late, with a lower id, is not lost behind a reader who went on', async () => {
  const run = await startRun(2);
  const [slow = '', fast = ''] = run.tasks;
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  let inserted = () => {};
  const slowInserted = new Promise<void>((resolve) => (inserted = resolve));
  const slowTransaction = settle(run.id, slow, async () => {
    inserted();
    await held;
  });
  await slowInserted;
  await settle(run.id, fast);
  const before = await follow(run.id, undefined, 2);
  expect(before.map((f) => f.event)).toEqual(['task.accepted', 'task.accepted']);
  const reading = follow(run.id, before.at(-1)?.id);
  release();
  await slowTransaction;
  const after = await reading;
  expect(after.map((f) => f.data.taskId)).toEqual([slow, fast, null]);
});

test('with many writers and a reader cut off again and again, every event comes exactly once', async () => {
  const run = await startRun(200);
  const jitter = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 8));
  const queue = [...run.tasks];
  const writers = Array.from({ length: 6 }, async () => {
    for (let task = queue.pop(); task !== undefined; task = queue.pop())
      await settle(run.id, task, async () => {
        await jitter();
      });
  });
  const frames: Frame[] = [];
  while (frames.at(-1)?.event !== 'run.finished')
    frames.push(...(await follow(run.id, frames.at(-1)?.id, 1 + Math.floor(Math.random() * 60))));
  await Promise.all(writers);
  const settled = frames.filter((f) => f.event === 'task.settled').map((f) => f.data.taskId);
  expect(settled).toHaveLength(200);
  expect(new Set(settled)).toEqual(new Set(run.tasks));
  expect(new Set(frames.map((f) => f.id)).size).toBe(frames.length);
}, 30_000);

test('a run that waits for more chunks is not finished', async () => {
  const first = { expectedTasks: 2, tasks: [{ id: 'a', prompt: 'p' }] };
  const { body } = await ask(gateway, 'POST', '/v1/runs', first);
  const id = String(body['id']);
  await settle(id, (body['tasks'] as { id: string }[])[0]?.id ?? '');
  expect((await ask(gateway, 'GET', `/v1/runs/${id}`)).body['status']).toBe('running');
  const reading = follow(id);
  const second = await ask(gateway, 'POST', `/v1/runs/${id}/tasks`, { tasks: [{ id: 'b', prompt: 'p' }] });
  await settle(id, (second.body['tasks'] as { id: string }[])[0]?.id ?? '');
  expect((await reading).map((f) => f.event)).toEqual([
    'task.accepted',
    'task.settled',
    'task.accepted',
    'task.settled',
    'run.finished',
  ]);
});

test('an unknown run and a foreign Last-Event-ID are refused', async () => {
  expect((await ask(gateway, 'GET', '/v1/runs/none/events')).status).toBe(404);
  const run = await startRun(1);
  const answer = await ask(gateway, 'GET', `/v1/runs/${run.id}/events`, undefined, { 'last-event-id': 'x' });
  expect(answer.status).toBe(400);
});
