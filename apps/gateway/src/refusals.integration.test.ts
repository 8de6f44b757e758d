import { problemSchema, type Problem } from '@acrouter/contracts/http';
import { ERRORS } from '@acrouter/domain/errors';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { connect } from 'node:net';
import { ask, startTestGateway, type Answer, type TestGateway } from './test-gateway';

let gateway: TestGateway;
const BODY_LIMIT = 100_000;
beforeAll(async () => {
  gateway = await startTestGateway(BODY_LIMIT);
});
afterAll(() => gateway.close());

function problem(answer: Answer): Problem {
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
  const parsed = problemSchema.parse(answer.body);
  expect(parsed.status).toBe(answer.status);
  expect(parsed.status).toBe(ERRORS[parsed.code as keyof typeof ERRORS].httpStatus);
  return parsed;
}

describe('every mistake has the same shape, its place and its remedy', () => {
  test.each([
    ['no prompt', {}, 'prompt'],
    ['an empty prompt', { prompt: '' }, 'prompt'],
    ['an unknown field', { prompt: 'p', promt: 'q' }, 'promt'],
    ['an unknown dimension', { prompt: 'p', dimension: 'cooking' }, 'dimension'],
    ['a path that climbs', { prompt: 'p', verification: { files: { '../x': '' } } }, 'verification.files'],
    ['a list in a list', { tasks: [{ prompt: 'p' }, { prompt: 7 }] }, 'tasks[1].prompt'],
    [
      'a name used twice',
      {
        tasks: [
          { id: 'a', prompt: 'p' },
          { id: 'a', prompt: 'p' },
        ],
      },
      'tasks[1].id',
    ],
    ['an empty list', { tasks: [] }, 'tasks'],
    ['no object', [1], ''],
  ])('%s', async (_name, body, path) => {
    const found = problem(await ask(gateway, 'POST', '/v1/tasks', body));
    expect(found.code).toBe('ACR_INVALID_REQUEST');
    expect(found.errors?.map((e) => e.path).some((p) => p.startsWith(path))).toBe(true);
    if (path) expect(found.detail).toContain(path);
  });

  test('a body that is no JSON, is empty, or is too large', async () => {
    expect(problem(await ask(gateway, 'POST', '/v1/tasks', '{"prompt":')).detail).toContain('not JSON');
    const large = await ask(gateway, 'POST', '/v1/tasks', { prompt: 'x'.repeat(BODY_LIMIT) });
    expect(problem(large).code).toBe('ACR_TOO_LARGE');
    expect(problem(await ask(gateway, 'POST', '/v1/runs', '')).code).toBe('ACR_INVALID_REQUEST');
  });

  test.each([
    ['GET', '/v1/nothing'],
    ['DELETE', '/v1/tasks'],
    ['GET', '/v1/tasks/0190b5a0-0000-7000-8000-000000000000'],
    ['GET', '/v1/tasks/unknown/explain'],
    ['POST', '/v1/tasks/unknown/cancel'],
    ['GET', '/v1/runs/unknown'],
    ['GET', '/v1/runs/unknown/tasks'],
    ['POST', '/v1/runs/unknown/cancel'],
    ['GET', '/v1/tasks/a%00b'],
    ['GET', `/v1/tasks/${'x'.repeat(5_000)}`],
    ['GET', '/v1/tasks/%2e%2e%2f'],
  ])('%s %s is not there', async (method, path) => {
    expect(problem(await ask(gateway, method, path)).code).toBe('ACR_NOT_FOUND');
  });

  test('more tasks for an unknown run', async () => {
    const answer = await ask(gateway, 'POST', '/v1/runs/unknown/tasks', { tasks: [{ prompt: 'p' }] });
    expect(problem(answer).code).toBe('ACR_NOT_FOUND');
  });

  test('another tenant’s task and run are not there', async () => {
    const { db } = gateway.context;
    const run = await ask(gateway, 'POST', '/v1/runs', { tasks: [{ prompt: 'p' }] });
    const runId = String(run.body['id']);
    const taskId = (run.body['tasks'] as { id: string }[])[0]?.id ?? '';
    await db.updateTable('runs').set({ tenant_id: 'other' }).where('id', '=', runId).execute();
    await db.updateTable('tasks').set({ tenant_id: 'other' }).where('id', '=', taskId).execute();
    for (const path of [`/v1/tasks/${taskId}`, `/v1/tasks/${taskId}/explain`, `/v1/runs/${runId}`])
      expect(problem(await ask(gateway, 'GET', path)).code).toBe('ACR_NOT_FOUND');
    for (const path of [`/v1/runs/${runId}/tasks`, `/v1/runs/${runId}/events`])
      expect(problem(await ask(gateway, 'GET', path)).code).toBe('ACR_NOT_FOUND');
    for (const path of [`/v1/tasks/${taskId}/cancel`, `/v1/runs/${runId}/cancel`])
      expect(problem(await ask(gateway, 'POST', path)).code).toBe('ACR_NOT_FOUND');
    const said = await ask(gateway, 'POST', '/v1/feedback', { taskId, metric: 'stars', value: 5 });
    expect(problem(said).code).toBe('ACR_NOT_FOUND');
    const row = await db.selectFrom('tasks').selectAll().where('id', '=', taskId).executeTakeFirstOrThrow();
    expect(row.cancel_requested_at).toBeNull();
  });

  test('a query that is not understood', async () => {
    expect(problem(await ask(gateway, 'GET', '/v1/tasks?limit=0')).errors?.[0]?.path).toBe('limit');
    expect(problem(await ask(gateway, 'GET', '/v1/tasks?colour=red')).errors?.[0]?.path).toBe('colour');
  });

  test('an unforeseen fault says nothing of itself, and its log nothing of the prompt', async () => {
    const log = jest.spyOn(gateway.context.log, 'error');
    const fault = Object.assign(new Error('row refused'), { detail: 'Failing row contains (SECRET PROMPT)' });
    const broken = jest.spyOn(gateway.context.db, 'transaction').mockImplementation(() => {
      throw fault;
    });
    const answer = await ask(gateway, 'POST', '/v1/tasks', { prompt: 'SECRET PROMPT' });
    broken.mockRestore();
    expect(problem(answer).code).toBe('ACR_INTERNAL');
    expect(JSON.stringify(answer.body)).not.toContain('refused');
    expect(log).toHaveBeenCalledTimes(1);
    expect(JSON.stringify(log.mock.calls)).not.toContain('SECRET');
    log.mockRestore();
  });

  test('Postgres being away is said as such', async () => {
    const broken = jest.spyOn(gateway.context.db, 'transaction').mockImplementation(() => {
      throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    });
    const answer = await ask(gateway, 'POST', '/v1/tasks', { prompt: 'p' });
    broken.mockRestore();
    expect(problem(answer)).toMatchObject({ code: 'ACR_DATABASE_UNAVAILABLE', retryable: true });
  });
});

/** Any JSON value, with the kinds of text that break databases. */
function junk(random: () => number, depth = 0): unknown {
  const texts = [
    '',
    'x',
    '\0',
    '\ud800',
    'a\0b',
    '__proto__',
    'é'.repeat(200),
    '../..',
    '1e999',
    "'; drop --",
  ];
  const text = () => texts[Math.floor(random() * texts.length)] ?? '';
  switch (Math.floor(random() * (depth > 3 ? 5 : 8))) {
    case 0:
      return text();
    case 1:
      return [0, -1, 1e308, 1e-320, 2 ** 53, 0.5][Math.floor(random() * 6)];
    case 2:
      return null;
    case 3:
      return random() < 0.5;
    case 4:
      return text() + text();
    case 5:
      return Array.from({ length: Math.floor(random() * 4) }, () => junk(random, depth + 1));
    default:
      return Object.fromEntries(
        Array.from({ length: Math.floor(random() * 4) }, () => [text(), junk(random, depth + 1)]),
      );
  }
}

/** Small and good enough for tests; the seed makes a failure repeatable. Source: mulberry32. */
function seeded(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

test('junk is refused or taken, and is never our fault', async () => {
  const random = seeded(7);
  const fields = [
    ...['id', 'prompt', 'language', 'dimension', 'verification', 'maxAttempts', 'maxCostUsd', 'costWeight'],
    ...['deadlineSeconds', 'metadata', 'tasks', 'name', 'expectedTasks', 'taskId', 'metric', 'value', 'tags'],
  ];
  const paths = ['/v1/tasks', '/v1/runs', '/v1/runs/x/tasks', '/v1/feedback', '/v1/tasks/x/cancel'];
  const statuses = new Set<number>();
  for (let i = 0; i < 400; i++) {
    const own = fields.filter(() => random() < 0.15).map((f) => [f, junk(random)] as const);
    const base = random() < 0.7 ? { prompt: 'p' } : {};
    const body = random() < 0.8 ? { ...base, ...Object.fromEntries(own) } : junk(random);
    const path = paths[Math.floor(random() * paths.length)] ?? '';
    const answer = await ask(gateway, 'POST', path, JSON.stringify(body));
    if (answer.status >= 500) throw new Error(`${path} ${JSON.stringify(body)} → ${answer.status}`);
    statuses.add(answer.status);
  }
  expect([...statuses].sort()).toEqual([202, 400, 404]);
}, 60_000);

test('hostile texts in every free field are stored, not stumbled over', async () => {
  const bad = 'a\0b\ud800c';
  const spec = {
    id: bad,
    prompt: bad,
    language: bad,
    metadata: { source: bad, [bad]: bad },
    costWeight: 1e-300,
  };
  const run = await ask(gateway, 'POST', '/v1/runs', {
    name: bad,
    maxCostUsd: 1e-300,
    metadata: { [bad]: bad },
    tasks: [{ ...spec, verification: { tests: bad, files: { f: bad } } }],
  });
  expect(run.status).toBe(202);
  const taskId = (run.body['tasks'] as { id: string }[])[0]?.id ?? '';
  const said = { taskId, metric: 'note', value: bad, tags: [bad], reason: bad };
  expect((await ask(gateway, 'POST', '/v1/feedback', said)).status).toBe(201);
  expect((await ask(gateway, 'GET', `/v1/tasks/${taskId}/explain`)).status).toBe(200);
  const query = new URLSearchParams({ external_id: 'a\0b' });
  expect((await ask(gateway, 'GET', `/v1/tasks?${query}`)).status).toBeLessThan(500);
});

test('deeply nested metadata is refused', async () => {
  const deep = `{"prompt":"p","metadata":{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}}`;
  const answer = await ask(gateway, 'POST', '/v1/tasks', deep, { 'idempotency-key': 'deep' });
  expect(problem(answer).errors?.[0]?.path).toContain('metadata');
});

test('bytes that are no HTTP do not bring the gateway down', async () => {
  const { port } = new URL(gateway.url);
  for (const bytes of [
    '\0\0\0\0',
    'GET /%zz HTTP/1.1\r\nhost: x\r\n\r\n',
    'POST /v1/tasks HTTP/9.9\r\n\r\n',
  ]) {
    const answer = await new Promise<string>((done) => {
      const socket = connect(Number(port), '127.0.0.1', () => socket.write(bytes));
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString();
        socket.end();
      });
      socket.on('close', () => done(text));
      socket.on('error', () => done(text));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 4/);
  }
  expect((await ask(gateway, 'GET', '/healthz')).status).toBe(200);
});

test('the remedy for an id that nobody has fits what was asked for', async () => {
  const missing = '01a20c0c-0000-7000-8000-000000000000';
  const detail = async (path: string) => problem(await ask(gateway, 'GET', `${path}/${missing}`)).detail;
  expect(await detail('/v1/tasks')).toContain('external_id');
  expect(await detail('/v1/runs')).toBe('There is no run with this id.');
});
