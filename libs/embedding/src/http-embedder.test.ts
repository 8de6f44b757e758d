import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { connectHttpEmbedder } from './http-embedder';

type Answer = (response: ServerResponse, body: { input: string; model?: string }) => void;
let server: Server | undefined;

afterEach(async () => {
  server?.closeAllConnections();
  await new Promise<void>((done) => (server ? server.close(() => done()) : done()));
  server = undefined;
});

/** A server that gives `answers` in turn, and the last one for ever. */
async function serve(...answers: Answer[]): Promise<{ url: string; inputs: string[] }> {
  const inputs: string[] = [];
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const body = JSON.parse(text) as { input: string };
      inputs.push(body.input);
      answers[Math.min(inputs.length, answers.length) - 1]!(response, body);
    });
  });
  await new Promise<void>((done) => server!.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/embeddings`, inputs };
}

const vector =
  (...embedding: unknown[]): Answer =>
  (response) =>
    response.end(JSON.stringify({ data: [{ embedding }] }));
const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end('{}');

test('gives vectors of length 1 and an id that names model and length', async () => {
  const { url, inputs } = await serve(vector(3, 4));
  const embedder = await connectHttpEmbedder({ url, model: 'voyage-code-3' });
  expect(embedder).toMatchObject({ id: 'http/voyage-code-3/2', dimensions: 2 });
  expect(Array.from(await embedder.embed('x'))).toEqual([expect.closeTo(0.6), expect.closeTo(0.8)]);
  await embedder.embed('');
  expect(inputs.slice(1)).toEqual(['x', ' ']);
});

test('an outage, a broken body and a direction-less vector are tried again', async () => {
  const { url, inputs } = await serve(
    status(503),
    status(429, { 'retry-after': '0' }),
    (response) => response.destroy(),
    (response) => response.end('not json'),
    vector(0, 0),
    vector(1, 'x'),
    vector(1, 0),
  );
  const embedder = await connectHttpEmbedder({ url, maxTries: 7, backoffMs: 1 });
  expect(embedder.dimensions).toBe(2);
  expect(inputs).toHaveLength(7);
});

test('gives up after maxTries with an outage, and at once on a refusal', async () => {
  const { url, inputs } = await serve(status(500));
  await expect(connectHttpEmbedder({ url, maxTries: 2, backoffMs: 1 })).rejects.toMatchObject({
    code: 'ACR_PROVIDER_OUTAGE',
  });
  expect(inputs).toHaveLength(2);
  server?.closeAllConnections();
  server?.close();
  const refusing = await serve(status(401));
  await expect(connectHttpEmbedder({ url: refusing.url })).rejects.toMatchObject({
    code: 'ACR_PROVIDER_REFUSED',
  });
  expect(refusing.inputs).toHaveLength(1);
});

test('a server that hangs is an outage', async () => {
  const { url } = await serve(() => undefined);
  await expect(connectHttpEmbedder({ url, timeoutMs: 50, maxTries: 2, backoffMs: 1 })).rejects.toThrow(
    /timed out, 2 times/,
  );
});

test('vectors of another length than the first are refused', async () => {
  const { url } = await serve(vector(1, 0), vector(1, 0, 0));
  const embedder = await connectHttpEmbedder({ url });
  await expect(embedder.embed('x')).rejects.toThrow(/vector of 3 where it had answered 2/);
});

test('an abort ends the waiting, and is not called an outage', async () => {
  const { url } = await serve(vector(1, 0), () => undefined);
  const embedder = await connectHttpEmbedder({ url });
  const abort = new AbortController();
  const pending = embedder.embed('x', abort.signal);
  abort.abort(new Error('stopped'));
  await expect(pending).rejects.toThrow('stopped');
});
