import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { parseModelsFile } from '@acrouter/config/models-file';
import { costOf } from '@acrouter/domain/task';
import { requestFor } from './prompt';
import { createSdkClient } from './sdk-client';

const SHARED = join(__dirname, '..', '..', '..', '..', 'shared');
const TOOL = join(SHARED, 'tools', 'recorded-llm.mjs');
const TASKS = join(SHARED, 'data', 'humaneval', 'tasks.jsonl');

let running: ChildProcess | null = null;
afterEach(async () => {
  const child = running;
  running = null;
  if (!child || child.exitCode !== null) return;
  await new Promise((done) => {
    child.once('exit', done);
    child.kill('SIGKILL');
  });
});

async function start(...args: string[]): Promise<string> {
  const child = spawn(process.execPath, [TOOL, '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running = child;
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`recorded-llm ended with ${code}`)));
    child.stdout?.on('data', (text: Buffer) => {
      const url = /http:\S+/.exec(text.toString());
      if (url) resolve(url[0]);
    });
  });
}

interface Stats {
  calls: number;
  faults: Record<string, number>;
  models: Record<string, { calls: number; prompt_tokens: number; completion_tokens: number }>;
}

test.each([
  ['without faults', []],
  ['with faults', ['--fault-rate', '0.4', '--fault', '429,500,hang,garbage,reset']],
])('calls, tokens and cost agree with the server that served them, %s', async (_, faults) => {
  if (!existsSync(TOOL) || !existsSync(TASKS))
    return process.stdout.write('not run: no recorded answers beside the project\n');
  const url = await start(...faults);
  const price = { inputPerMillion: 30, outputPerMillion: 60 };
  const [entry] = parseModelsFile(
    `models: [{ id: gpt-4, provider: openai-compatible, baseUrl: "${url}", limits: { timeoutMs: 400 }, price: ${JSON.stringify(price)} }]`,
    'models.yaml',
    {},
  ).models;
  const client = createSdkClient(entry!, null);
  const prompts = readFileSync(TASKS, 'utf8')
    .split('\n')
    .filter(Boolean)
    .slice(0, 30)
    .map((line) => (JSON.parse(line) as { prompt: string }).prompt);
  const results = [];
  for (const prompt of prompts)
    results.push(
      await client.complete(requestFor({ prompt, language: 'python' }, 1_000), new AbortController().signal),
    );

  const stats = (await (await fetch(url.replace('/v1', '/stats'))).json()) as Stats;
  const served = stats.models['gpt-4'] ?? { calls: 0, prompt_tokens: 0, completion_tokens: 0 };
  const answered = results.filter((r) => r.kind === 'answered');
  expect(stats.calls).toBe(prompts.length);
  expect(answered).toHaveLength(served.calls);
  const spent = answered.reduce((sum, r) => sum + (costOf(r.usage, price) ?? Number.NaN), 0);
  expect(spent).toBeCloseTo((served.prompt_tokens * 30 + served.completion_tokens * 60) / 1e6, 10);
  const failed = results.filter((r) => r.kind === 'failed');
  expect(failed).toHaveLength(Object.values(stats.faults).reduce((a, b) => a + b, 0));
  for (const f of failed) expect(f.retryable).toBe(true);
  return undefined;
});
