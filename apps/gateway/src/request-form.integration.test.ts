import { problemSchema } from '@acrouter/contracts/http';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { ROUTES } from './routes';
import { ask, startTestGateway, type Answer, type TestGateway } from './test-gateway';

/** What a request must look like whatever it asks for: the type of its body, and its cursor. */
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());

function problem(answer: Answer) {
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
  const parsed = problemSchema.parse(answer.body);
  expect(parsed.status).toBe(answer.status);
  return parsed;
}

test.each(['text/plain', 'application/x-www-form-urlencoded', 'text/xml', 'application/jsonx', ''])(
  'a body of the type %j is refused, whatever it holds',
  async (type) => {
    const paths = ROUTES.filter((r) => r.body).map((r) => r.path.replace('{id}', 'unknown'));
    expect(paths).toHaveLength(4);
    for (const path of paths) {
      const answer = await ask(gateway, 'POST', path, '{"prompt":"p"}', { 'content-type': type });
      const { code, status, detail } = problem(answer);
      expect([path, code, status]).toEqual([path, 'ACR_UNSUPPORTED_MEDIA_TYPE', 415]);
      expect(detail).toContain('content-type: application/json');
    }
  },
);

test('JSON may name its character set, and what reads no body takes any', async () => {
  const utf8 = { 'content-type': 'Application/JSON; charset=utf-8' };
  const sent = await ask(gateway, 'POST', '/v1/tasks', { prompt: 'p' }, utf8);
  expect(sent.status).toBe(202);
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const path = `/v1/tasks/${String(sent.body['id'])}/cancel`;
  for (const body of ['', 'a=b']) expect((await ask(gateway, 'POST', path, body, form)).status).toBe(202);
});

test('a cursor that nobody can have been given is refused, on every route that pages', async () => {
  const run = await ask(gateway, 'POST', '/v1/runs', { tasks: [{ prompt: 'p' }] });
  const paged = ROUTES.filter((r) => r.query && 'cursor' in r.query.shape).map((r) => r.path);
  expect(paged).toHaveLength(2);
  const cursors = ['zz', '0', 'f'.repeat(36), 'd7a1f0c6-3b5e-4c1d-9a57-0f6f5f5e0b11', `${uuidv7()}x`];
  for (const path of paged.map((p) => p.replace('{id}', String(run.body['id']))))
    for (const cursor of cursors) {
      const found = problem(await ask(gateway, 'GET', `${path}?cursor=${cursor}`));
      expect(found).toMatchObject({ status: 400, code: 'ACR_INVALID_REQUEST', errors: [{ path: 'cursor' }] });
      expect(found.detail).toContain('nextCursor');
    }
});

test('a cursor whose task has been deleted since still names its place', async () => {
  const answer = await ask(gateway, 'GET', `/v1/tasks?cursor=${uuidv7()}`);
  expect([answer.status, (answer.body['tasks'] as unknown[]).length > 0]).toEqual([200, true]);
});
