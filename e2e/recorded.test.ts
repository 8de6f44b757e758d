import { afterEach, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { ROOT, Stack } from './stack';

/**
 * Recorded answers of three real models, which live beside a development checkout and not in the repository.
 * Prices are the models' public ones of the time.
 */
const SHARED = join(ROOT, '../shared');
const TOOL = join(SHARED, 'tools/recorded-llm.mjs');
const TASKS = join(SHARED, 'data/humaneval/tasks.jsonl');
const PRICES: Record<string, { input: number; output: number }> = {
  'gpt-4': { input: 30, output: 60 },
  'gpt-3.5-turbo': { input: 0.5, output: 1.5 },
  'codellama-34b-instruct': { input: 0.78, output: 0.78 },
};

interface Stats {
  calls: number;
  faults: Record<string, number>;
  models: Record<string, { calls: number; prompt_tokens: number; completion_tokens: number }>;
}

let stack: Stack | null = null;
let recorded: ChildProcess | null = null;
afterEach(async () => {
  await stack?.stop();
  recorded?.kill();
  stack = recorded = null;
});

async function startRecorded(args: string[]): Promise<string> {
  recorded = spawn(process.execPath, [TOOL, '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise<string>((done) =>
    recorded?.stdout?.once('data', (chunk: Buffer) => done(chunk.toString())),
  );
  return /(http\S+)\/v1/.exec(line)?.[1] ?? '';
}

const modelsYaml = (url: string, timeoutMs: number) =>
  `models:\n${Object.entries(PRICES)
    .map(
      ([id, p]) =>
        `  - { id: ${id}, provider: openai-compatible, baseUrl: "${url}/v1", price: { inputPerMillion: ${p.input}, outputPerMillion: ${p.output} }, limits: { timeoutMs: ${timeoutMs} } }`,
    )
    .join('\n')}\nstrongest: gpt-4\n`;

const costOf = (stats: Stats) =>
  Object.entries(stats.models).reduce((sum, [id, m]) => {
    const p = PRICES[id];
    return p ? sum + (m.prompt_tokens * p.input + m.completion_tokens * p.output) / 1e6 : sum;
  }, 0);

const sumOf = (stats: Stats, field: 'calls' | 'prompt_tokens' | 'completion_tokens') =>
  Object.values(stats.models).reduce((sum, m) => sum + m[field], 0);

async function solveAll(queue: 'postgres' | 'redis', serverArgs: string[], timeoutMs: number) {
  const url = await startRecorded(serverArgs);
  stack = await Stack.start(modelsYaml(url, timeoutMs), { queue });
  const submitted = await stack.acr('submit', TASKS, '--format', 'humaneval', '--wait', '--json');
  const lines = submitted.stdout
    .trim()
    .split('\n')
    .map((l) => JSON.parse(l) as { id: string; status: string; solved: boolean });
  const report = JSON.parse((await stack.acr('report', '--json')).stdout) as Record<string, unknown>;
  const stats = (await (await fetch(`${url}/stats`)).json()) as Stats;
  return { lines, report, stats, databaseUrl: stack.state.databaseUrl };
}

async function query(databaseUrl: string, sql: string): Promise<number> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return Number((await client.query<{ n: string }>(sql)).rows[0]?.n);
  } finally {
    await client.end();
  }
}

const here = existsSync(TOOL) && existsSync(TASKS);
if (!here)
  process.stderr.write('recorded answers are not here (../shared): the tests against them are skipped\n');

(here ? describe : describe.skip)('80 HumanEval tasks against recorded answers of three real models', () => {
  test.each(['postgres', 'redis'] as const)(
    'on %s: all settle, 76 are solved, calls, tokens and cost agree exactly',
    async (queue) => {
      const { lines, report, stats } = await solveAll(queue, [], 30_000);
      expect(lines).toHaveLength(80);
      expect(lines.every((l) => l.status === 'settled')).toBe(true);
      expect(lines.filter((l) => l.solved).length).toBeGreaterThanOrEqual(76);
      expect(moneyOf(report)).toMatchObject({
        calls: stats.calls,
        unknownCalls: 0,
        inputTokens: sumOf(stats, 'prompt_tokens'),
        outputTokens: sumOf(stats, 'completion_tokens'),
      });
      expect(moneyOf(report).costUsd).toBeCloseTo(costOf(stats), 10);
    },
    600_000,
  );

  test('with three calls in ten failing: all settle, no outage is learnt, unknown calls are counted apart', async () => {
    const { lines, report, stats, databaseUrl } = await solveAll(
      'postgres',
      ['--fault-rate', '0.3', '--fault', '429,500,hang,garbage,reset'],
      5_000,
    );
    expect(lines.filter((l) => l.status === 'settled')).toHaveLength(80);
    const money = moneyOf(report);
    expect(money.calls).toBe(stats.calls);
    expect(money.unknownCalls).toBe(Object.values(stats.faults).reduce((a, b) => a + b, 0));
    expect(money.costUsd).toBeCloseTo(costOf(stats), 10);
    const learntOutages = `select count(*) n from experiences e join attempts a on a.task_id = e.task_key and a.attempt = e.attempt where a.status = 'outage'`;
    expect(await query(databaseUrl, learntOutages)).toBe(0);
  }, 600_000);
});

/** The report's money, under the names of this test. */
function moneyOf(report: Record<string, unknown>) {
  const { knownUsd, ...rest } = report['cost'] as Record<
    'calls' | 'unknownCalls' | 'inputTokens' | 'outputTokens' | 'knownUsd',
    number
  >;
  return { ...rest, costUsd: knownUsd };
}
