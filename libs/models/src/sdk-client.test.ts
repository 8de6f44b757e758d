import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ModelEntry, Provider } from '@acrouter/config/models-file';
import type { CompletionResult } from './model-client';
import { createSdkClient } from './sdk-client';

/** A provider on loopback: each test says how it answers, and sees what was asked. */
type Reply = (request: IncomingMessage, response: ServerResponse, body: Record<string, unknown>) => void;
let server: Server;
let base: string;
let reply: Reply;
let requests = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (c: Buffer) => chunks.push(c));
    request.on('end', () => {
      requests++;
      reply(request, response, JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

const KEY = 'sk-very-secret-0123456789';

function ask(
  provider: Exclude<Provider, 'simulated'>,
  how: Reply,
  {
    timeoutMs = 5_000,
    signal = new AbortController().signal,
    apiKey = KEY as string | null,
    baseUrl = '',
  } = {},
): Promise<CompletionResult> {
  reply = how;
  requests = 0;
  const entry: ModelEntry = {
    id: 'my-model',
    provider,
    model: 'their-model',
    baseUrl: baseUrl || base + (provider === 'google' ? '/v1beta' : '/v1'),
    apiKeyEnv: apiKey === null ? null : 'MY_KEY',
    price: { inputPerMillion: 1, outputPerMillion: 1 },
    limits: { concurrency: 1, requestsPerMinute: null, timeoutMs, maxOutputTokens: 99 },
  };
  const request = { system: 'Be brief.', prompt: 'Add two numbers.', maxOutputTokens: 99, temperature: 0.2 };
  return createSdkClient(entry, apiKey).complete(request, signal);
}

const json = (
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
};
const chat = (usage?: unknown) => ({
  id: 'x',
  created: 1,
  model: 'their-model-2026',
  object: 'chat.completion',
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'a + b' } }],
  ...(usage === undefined ? {} : { usage }),
});
const status =
  (code: number, headers?: Record<string, string>, message = 'no'): Reply =>
  (_, response) =>
    json(response, code, { error: { message, type: 't', code: null, param: null } }, headers);

describe('every provider answers in its own wire format', () => {
  test('openai-compatible: prompt, limits and key arrive; cached and reasoning tokens are read', async () => {
    let seen: Record<string, unknown> = {};
    let authorization: string | undefined;
    const result = await ask('openai-compatible', (request, response, body) => {
      seen = body;
      authorization = request.headers.authorization;
      const details = {
        prompt_tokens_details: { cached_tokens: 60 },
        completion_tokens_details: { reasoning_tokens: 7 },
      };
      json(response, 200, chat({ prompt_tokens: 100, completion_tokens: 20, total_tokens: 120, ...details }));
    });
    expect(result).toMatchObject({
      kind: 'answered',
      text: 'a + b',
      responseModel: 'their-model-2026',
      finishReason: 'stop',
      usage: { inputTokens: 100, outputTokens: 20, cachedInputTokens: 60, reasoningTokens: 7 },
    });
    expect(authorization).toBe(`Bearer ${KEY}`);
    expect(seen).toMatchObject({ model: 'their-model', max_tokens: 99, temperature: 0.2 });
    expect(seen['messages']).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Add two numbers.' },
    ]);
  });

  test('openai: the Responses API, not stored', async () => {
    let seen: Record<string, unknown> = {};
    const result = await ask('openai', (request, response, body) => {
      seen = { path: request.url, ...body };
      const content = [{ type: 'output_text', text: 'a + b', annotations: [] }];
      json(response, 200, {
        id: 'r',
        created_at: 1,
        model: 'their-model-2026',
        output: [{ type: 'message', id: 'm', role: 'assistant', status: 'completed', content }],
        usage: {
          input_tokens: 50,
          output_tokens: 30,
          input_tokens_details: { cached_tokens: 10 },
          output_tokens_details: { reasoning_tokens: 25 },
        },
      });
    });
    expect(seen).toMatchObject({ path: '/v1/responses', store: false, max_output_tokens: 99 });
    expect(result).toMatchObject({
      kind: 'answered',
      text: 'a + b',
      usage: { inputTokens: 50, outputTokens: 30, cachedInputTokens: 10, reasoningTokens: 25 },
    });
  });

  test('anthropic: cache reads are part of the input', async () => {
    let key: unknown;
    const result = await ask('anthropic', (request, response) => {
      key = request.headers['x-api-key'];
      json(response, 200, {
        type: 'message',
        id: 'm',
        role: 'assistant',
        model: 'their-model-2026',
        content: [{ type: 'text', text: 'a + b' }],
        stop_reason: 'end_turn',
        stop_sequence: null,
        usage: {
          input_tokens: 40,
          output_tokens: 12,
          cache_read_input_tokens: 60,
          cache_creation_input_tokens: 0,
        },
      });
    });
    expect(key).toBe(KEY);
    expect(result).toMatchObject({
      kind: 'answered',
      finishReason: 'stop',
      usage: { inputTokens: 100, outputTokens: 12, cachedInputTokens: 60, reasoningTokens: 0 },
    });
  });

  test('google: thoughts are output', async () => {
    const result = await ask('google', (_, response) =>
      json(response, 200, {
        candidates: [{ content: { role: 'model', parts: [{ text: 'a + b' }] }, finishReason: 'STOP' }],
        usageMetadata: {
          promptTokenCount: 9,
          candidatesTokenCount: 4,
          thoughtsTokenCount: 6,
          totalTokenCount: 19,
        },
      }),
    );
    expect(result).toMatchObject({
      kind: 'answered',
      text: 'a + b',
      usage: { inputTokens: 9, outputTokens: 10, cachedInputTokens: 0, reasoningTokens: 6 },
    });
  });
});

describe('usage that is not reported is unknown, never 0', () => {
  test.each([
    ['absent', undefined],
    ['null', null],
    ['empty', {}],
    ['input alone', { prompt_tokens: 5 }],
    ['output alone', { completion_tokens: 5 }],
  ])('%s', async (_, usage) => {
    const result = await ask('openai-compatible', (_request, response) => json(response, 200, chat(usage)));
    expect(result).toMatchObject({ kind: 'answered', text: 'a + b', usage: null });
  });

  test('reported zeros are zeros, and more cached than input is cut', async () => {
    const usage = { prompt_tokens: 0, completion_tokens: 0, prompt_tokens_details: { cached_tokens: 9 } };
    const result = await ask('openai-compatible', (_, response) => json(response, 200, chat(usage)));
    expect(result).toMatchObject({ usage: { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0 } });
  });
});

describe('failures', () => {
  const cases: [string, Reply, Record<string, unknown>][] = [
    [
      '429',
      status(429),
      { failure: 'rate-limited', statusCode: 429, retryable: true, mayHaveBeenBilled: false },
    ],
    [
      '408',
      status(408),
      { failure: 'server-error', statusCode: 408, retryable: true, mayHaveBeenBilled: false },
    ],
    ...[500, 502, 503, 504, 529].map((code): [string, Reply, Record<string, unknown>] => [
      ...([`${code}`, status(code)] as const),
      { failure: 'server-error', statusCode: code, retryable: true, mayHaveBeenBilled: false },
    ]),
    ['501', status(501), { failure: 'server-error', retryable: false }],
    ['400', status(400), { failure: 'refused', statusCode: 400, retryable: false, mayHaveBeenBilled: false }],
    ['404', status(404), { failure: 'refused', statusCode: 404, retryable: false }],
    ['422', status(422), { failure: 'refused', retryable: false }],
    ['401', status(401), { failure: 'auth', statusCode: 401, retryable: false, mayHaveBeenBilled: false }],
    ['403', status(403), { failure: 'auth', retryable: false }],
    [
      'error page in HTML',
      (_, r) => void r.writeHead(502, { 'content-type': 'text/html' }).end('<h1>'),
      { failure: 'server-error', retryable: true },
    ],
    [
      'cut JSON',
      (_, r) => json(r, 200, '{"choices":[{"mess'),
      { failure: 'broken-body', retryable: true, mayHaveBeenBilled: true },
    ],
    [
      'no choices',
      (_, r) => json(r, 200, { ...chat(), choices: [] }),
      { failure: 'broken-body', retryable: true, mayHaveBeenBilled: true },
    ],
    ['another document', (_, r) => json(r, 200, { hello: 1 }), { failure: 'broken-body', retryable: true }],
    [
      'an error as 200',
      (_, r) => json(r, 200, { error: { message: 'x' } }),
      { failure: 'broken-body', retryable: true },
    ],
    [
      'empty body',
      (_, r) => void r.writeHead(200).end(),
      { failure: 'broken-body', retryable: true, mayHaveBeenBilled: true },
    ],
    ['reset', (q) => q.socket.destroy(), { failure: 'connection', retryable: true, mayHaveBeenBilled: true }],
    ['reset in the body', resetInBody, { retryable: true, mayHaveBeenBilled: true }],
  ];
  test.each(cases)('%s', async (_, how, expected) => {
    expect(await ask('openai-compatible', how)).toMatchObject({ kind: 'failed', ...expected });
    expect(requests).toBe(1);
  });

  test.each([
    [{ 'retry-after': '2' }, 2_000],
    [{ 'retry-after': '0.5' }, 500],
    [{ 'retry-after': '9', 'retry-after-ms': '120' }, 120],
    [{ 'retry-after': 'Thu, 01 Jan 1970 00:00:00 GMT' }, 0],
  ])('retry-after %j', async (headers, wait) => {
    expect(await ask('openai-compatible', status(429, headers))).toMatchObject({ retryAfterMs: wait });
  });

  test('retry-after that makes no sense is left out', async () => {
    expect(await ask('openai-compatible', status(429, { 'retry-after': 'soon' }))).not.toHaveProperty(
      'retryAfterMs',
    );
  });

  test('a provider that hangs meets the time limit', async () => {
    expect(await ask('openai-compatible', () => undefined, { timeoutMs: 100 })).toMatchObject({
      failure: 'timeout',
      retryable: true,
      mayHaveBeenBilled: true,
      message: 'no answer within 100 ms',
    });
  });

  test('a cancelled call is cancelled, not timed out', async () => {
    const controller = new AbortController();
    const result = await ask('openai-compatible', () => controller.abort(), { signal: controller.signal });
    expect(result).toMatchObject({ failure: 'cancelled', retryable: false, mayHaveBeenBilled: true });
  });

  test('a server that is not there cannot have billed', async () => {
    const unused = createServer();
    await new Promise<void>((done) => unused.listen(0, '127.0.0.1', done));
    const { port } = unused.address() as AddressInfo;
    await new Promise((done) => unused.close(done));
    const result = await ask('openai-compatible', () => undefined, {
      baseUrl: `http://127.0.0.1:${port}/v1`,
    });
    expect(result).toMatchObject({ failure: 'connection', retryable: true, mayHaveBeenBilled: false });
  });

  test('a wrong key: the message names the variable and never the key', async () => {
    const result = await ask('openai-compatible', status(401, {}, `Incorrect API key ${KEY}`));
    expect(result).toMatchObject({ message: expect.stringContaining('environment variable MY_KEY') });
    expect(JSON.stringify(result)).not.toContain(KEY);
  });

  test('a key that another error echoes is hidden, and escape codes are taken out', async () => {
    const result = await ask('openai-compatible', status(400, {}, `bad \u001b[31m${KEY}`));
    expect(result).toMatchObject({ message: 'HTTP 400: bad  [31m[key]' });
    expect(JSON.stringify(result)).not.toContain(KEY);
    expect(JSON.stringify(result)).not.toContain('\\u001b');
  });

  test('without a key: says where to name it', async () => {
    const result = await ask('openai-compatible', status(401), { apiKey: null });
    expect(result).toMatchObject({ failure: 'auth', message: expect.stringContaining('"apiKeyEnv"') });
  });

  test("Gemini's 400 for a wrong key is an auth failure", async () => {
    const body = { error: { code: 400, message: 'API key not valid.', status: 'INVALID_ARGUMENT' } };
    const result = await ask('google', (_, response) => json(response, 400, body));
    expect(result).toMatchObject({ failure: 'auth', statusCode: 400 });
  });

  test.each(['openai', 'anthropic', 'google'] as const)(
    '%s: rate limits and garbage are seen alike',
    async (provider) => {
      expect(await ask(provider, status(429, { 'retry-after': '3' }))).toMatchObject({
        failure: 'rate-limited',
        retryAfterMs: 3_000,
      });
      expect(await ask(provider, (_, r) => json(r, 200, '{"x'))).toMatchObject({ failure: 'broken-body' });
      expect(await ask(provider, (q) => q.socket.destroy())).toMatchObject({ failure: 'connection' });
    },
  );
});

function resetInBody(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"choices":', () => request.socket.destroy());
}
