import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acr, ROOT, Stack } from './stack';

jest.setTimeout(180_000);

const EXAMPLES = join(ROOT, 'examples/repositories');
const dir = mkdtempSync(join(tmpdir(), 'acr-e2e-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const files = ['--tasks', join(EXAMPLES, 'tasks.jsonl'), '--answers', join(EXAMPLES, 'answers.jsonl')];

interface Line {
  model: string;
  passed: boolean;
  score: number;
  signals: { kind: string; evidence: Record<string, unknown> }[];
}

test('acr verify judges the example of a repository task', async () => {
  const ran = await acr(['verify', ...files, '--repositories', EXAMPLES, '--json'], dir);
  expect(ran.code).toBe(0);
  const lines = ran.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  const tests = lines.map(({ model, passed, signals }) => {
    const evidence = signals.find((s) => s.kind === 'tests')?.evidence ?? {};
    return [model, passed, String(evidence['message'] ?? evidence['reason'] ?? '').slice(0, 60)];
  });
  expect(tests).toEqual([
    ['right', true, ''],
    ['breaks another test', false, '2 of 4 tests failed: parses several units; test/durations.te'],
    ['does not apply', false, 'hunk 1 of the diff of src/durations.js does not apply: its c'],
    ['edits the test', false, 'the answer changes nothing but protected files: test/duratio'],
  ]);
  expect(readdirSync(dir)).toEqual([]);
});

test('without a folder of repositories the task is refused, saying what to do', async () => {
  const ran = await acr(['verify', ...files, '--json'], dir, { ACR_REPOSITORIES: '' });
  expect(ran.code).toBe(5);
  expect(ran.stderr).toContain('ACR_REPOSITORIES is not set');
});

/** A provider whose first answer is the example's third, which does not apply, and whose others are right. */
async function startProvider(): Promise<Server> {
  const answers = readFileSync(join(EXAMPLES, 'answers.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { completion: string }).completion);
  let calls = 0;
  const server = createServer((req, res) => {
    req.resume().on('end', () => {
      const content = calls++ === 0 ? answers[2] : answers[0];
      const choices = [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content } }];
      const usage = { prompt_tokens: 50, completion_tokens: 20, total_tokens: 70 };
      res.writeHead(200, { 'content-type': 'application/json' });
      res.end(JSON.stringify({ id: 'c', object: 'chat.completion', created: 1, model: 'm', usage, choices }));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return server;
}

describe('a stack with a folder of repositories', () => {
  let provider: Server;
  let stack: Stack;
  beforeAll(async () => {
    provider = await startProvider();
    const baseUrl = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1`;
    const model = (id: string, price: number) =>
      `  - { id: ${id}, provider: openai-compatible, baseUrl: "${baseUrl}", price: { inputPerMillion: ${price}, outputPerMillion: ${price} } }\n`;
    stack = await Stack.start(`models:\n${model('one', 1)}${model('two', 2)}strongest: two\n`, {
      env: { ACR_REPOSITORIES: EXAMPLES },
    });
  }, 240_000);
  afterAll(async () => {
    await stack?.stop();
    provider?.closeAllConnections();
    await new Promise((done) => provider?.close(done));
  }, 60_000);

  test('solves the task with the second answer, and explains what was wrong with the first', async () => {
    stack.file('tasks.jsonl', readFileSync(join(EXAMPLES, 'tasks.jsonl'), 'utf8'));
    const submitted = await stack.acr('submit', 'tasks.jsonl', '--wait', '--json');
    const line = JSON.parse(submitted.stdout) as { outcome: string; attempts: unknown[] };
    expect(line.outcome).toBe('solved');
    expect(line.attempts).toHaveLength(2);
    const { stdout } = await stack.acr('explain', 'durations-sum');
    expect(stdout.replace(/\s+/g, ' ')).toContain('hunk 1 of the diff of src/durations.js does not apply');
    expect(stdout).toMatch(/tests +passed +1\.00/);
  });

  test('leaves nothing of it when it stops', async () => {
    const copies = () => readdirSync(tmpdir()).filter((name) => name.startsWith('acr-repository-'));
    const verifier = stack.state.services.find((s) => s.name === 'verifier')?.pid;
    expect(copies().filter((name) => name.includes(`-${verifier}-`))).toHaveLength(1);
    await stack.acr('down', '--data-dir', '.acr');
    expect(copies().filter((name) => name.includes(`-${verifier}-`))).toEqual([]);
  });
});
