import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OpenAiServer, termTasks } from './openai-server';
import { acr, Stack } from './stack';
import { TraceCollector, type SentSpan } from './trace-collector';

/** Questions without tests, settled by a judge of the pool: two models answer, a third grades. */
const TASKS = 6;
/** 50 tokens in and 20 out at the judge's price. */
const GRADE_USD = 0.0025;

interface ReportLine {
  cost: {
    knownUsd: number;
    calls: number;
    unknownCalls: number;
    verification: { knownUsd: number; calls: number; unknownCalls: number };
  };
  models: { model: string; calls: number }[];
}

describe('tasks that nothing can run', () => {
  let server: OpenAiServer;
  let collector: TraceCollector;
  let stack: Stack;
  let lines: { id: string; outcome: string; solved: boolean; score: number }[];

  beforeAll(async () => {
    server = await OpenAiServer.start();
    collector = await TraceCollector.start();
    stack = await Stack.start(server.withJudge(server.modelsYaml(10_000)), {
      env: { ACR_OTLP_ENDPOINT: collector.url },
    });
    stack.file('terms.jsonl', termTasks(TASKS));
    const submitted = await stack.acr('submit', 'terms.jsonl', '--wait', '--json');
    lines = submitted.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as (typeof lines)[number]);
  }, 240_000);

  afterAll(async () => {
    await stack?.stop();
    await server?.stop();
    await collector?.stop();
  }, 60_000);

  test('settle by the judge’s grade: no answer that it found wrong is taken', () => {
    expect(lines).toHaveLength(TASKS);
    expect(lines.map((l) => l.outcome)).not.toContain('unverified');
    expect(lines.filter((l) => l.solved).length).toBeGreaterThan(0);
    for (const line of lines) expect(line.score > 0.5).toBe(line.solved);
  });

  test('the ledger knows every call of the judge, and the report tells them apart', async () => {
    const report = JSON.parse((await stack.acr('report', '--json')).stdout) as ReportLine;
    expect(report.cost.calls).toBe(server.calls);
    expect(report.cost.verification).toMatchObject({ calls: server.judged, unknownCalls: 0 });
    expect(report.cost.verification.knownUsd).toBeCloseTo(server.judged * GRADE_USD, 9);
    const answers = report.models.reduce((sum, m) => sum + m.calls, 0);
    expect(answers + server.judged).toBe(server.calls);
    expect((await stack.acr('report')).stdout).toMatch(/calls that checked answers/);
  });

  test('explain shows every signal with its weight, and how sure the score is', async () => {
    const solved = lines.find((l) => l.solved)?.id ?? '';
    const { stdout } = await stack.acr('explain', solved);
    expect(stdout).toMatch(/judge +passed +0\.90 +weight \d+ %/);
    expect(stdout).toMatch(/syntax +unavailable .*left out/);
    expect(stdout).toMatch(/50 % sure/);
  });

  test('each check is a span with its results as events, and no word of a model in them', async () => {
    const isCheck = (s: SentSpan) => s.name === 'check';
    for (let i = 0; i < 100 && collector.spans.filter(isCheck).length < TASKS; i++) await sleep(200);
    const check = collector.spans.find(isCheck);
    const names = check?.events?.map(
      (e) => e.attributes.find((a) => a.key === 'gen_ai.evaluation.name')?.value.stringValue,
    );
    expect(names).toEqual(expect.arrayContaining(['judge', 'rules', 'verdict']));
    const parent = collector.spans.find((s) => s.spanId === check?.parentSpanId);
    expect(parent?.name).toBe('verify');
    expect(JSON.stringify(collector.spans)).not.toContain('by its sentence');
  }, 60_000);
});

describe('weights in models.yaml', () => {
  const dir = mkdtempSync(join(tmpdir(), 'acr-weights-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  const verify = (weights: string) => {
    const model = '{ id: a, provider: simulated, price: { inputPerMillion: 1, outputPerMillion: 1 } }';
    const pool = `models:\n  - ${model}\nverification:\n  weights:\n    default: ${weights}\n`;
    writeFileSync(join(dir, 'models.yaml'), pool);
    const task = { id: 't', prompt: 'f', language: 'python', verification: { tests: 'assert f(1) == 2' } };
    writeFileSync(join(dir, 'tasks.jsonl'), JSON.stringify(task));
    writeFileSync(
      join(dir, 'answers.jsonl'),
      JSON.stringify({ id: 't', completion: 'def f(x): return x + 1' }),
    );
    const files = ['--tasks', 'tasks.jsonl', '--answers', 'answers.jsonl', '--models', 'models.yaml'];
    return acr(['verify', ...files, '--json'], dir);
  };

  test('are those that signals get', async () => {
    const { stdout, code } = await verify('{ tests: 0.5, rules: 0.25, judge: 0.25 }');
    const { signals } = JSON.parse(stdout) as { signals: { kind: string; weight: number }[] };
    const weightOf = (kind: string) => signals.find((s) => s.kind === kind)?.weight;
    expect(code).toBe(0);
    // No judge here: what is left is scaled to sum to 1.
    expect([weightOf('tests'), weightOf('rules'), weightOf('syntax')]).toEqual([0.5 / 0.75, 0.25 / 0.75, 0]);
  }, 60_000);

  test('must sum to 1, and the message says where they do not', async () => {
    const { stderr, code } = await verify('{ tests: 0.5, rules: 0.2 }');
    expect(code).toBe(2);
    expect(stderr).toContain('models.yaml:5: verification.weights.default');
    expect(stderr).toContain('the weights sum to 0.700, not to 1');
  }, 60_000);
});
