import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { addTasks, OpenAiServer } from './openai-server';
import { hasPrometheus, Prometheus } from './prometheus';
import { ROOT, run, Stack } from './stack';
import { TraceCollector } from './trace-collector';

/**
 * Bar 6 of the monitoring: a real Prometheus scrapes a real stack during the quickstart's batch and a run against
 * a provider that fails; then every panel's and every rule's expression must return data.
 */
const RULES = join(ROOT, 'ops/prometheus/rules');
const DASHBOARDS = join(ROOT, 'ops/grafana/dashboards');
const SIMULATED = join(ROOT, 'libs/config/src/simulated-models.yaml');
const absent = hasPrometheus()
  ? null
  : 'not run: no prometheus and promtool here (apt-get install prometheus)\n';

interface Rule {
  record?: string;
  alert?: string;
  expr: string;
}
interface Panel {
  title: string;
  targets: { expr: string }[];
}
interface Dashboard {
  uid: string;
  title: string;
  panels: Panel[];
}

const rules = readdirSync(RULES).flatMap((file) => {
  const { groups } = parse(readFileSync(join(RULES, file), 'utf8')) as { groups: { rules: Rule[] }[] };
  return groups.flatMap((group) => group.rules);
});
const dashboards = readdirSync(DASHBOARDS).map(
  (file) => JSON.parse(readFileSync(join(DASHBOARDS, file), 'utf8')) as Dashboard,
);

/** Grafana's own variables, as it would fill them in for a range of an hour. */
const asQuery = (expr: string): string =>
  expr.replaceAll('$__rate_interval', '1m').replaceAll('$__range', '1h');
/** An alert's comparisons, turned from a filter (no data while all is well) into their truth, 0 or 1. */
const asTruth = (expr: string): string => expr.replace(/ (>=|<=|==|>|<) (?=[\d(])/g, ' $1 bool ');

describe('as files', () => {
  test('promtool accepts the configuration and the rules, and their tests pass', async () => {
    if (absent) return void process.stdout.write(absent);
    const ops = join(ROOT, 'ops/prometheus');
    const config = await run('promtool', ['check', 'config', 'prometheus.yml'], ops);
    const tested = await run('promtool', ['test', 'rules', 'tests/alerts.test.yml'], ops);
    expect([config.stderr, config.code]).toEqual(['', 0]);
    expect([tested.stderr, tested.code]).toEqual(['', 0]);
  }, 60_000);

  test('every alert has a promtool test and a section in docs/operations.md', () => {
    const tests = readFileSync(join(ROOT, 'ops/prometheus/tests/alerts.test.yml'), 'utf8');
    const docs = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');
    const alerts = rules.flatMap((rule) => rule.alert ?? []);
    expect(alerts.length).toBeGreaterThan(10);
    expect(alerts.filter((name) => !tests.includes(`alertname: ${name}`))).toEqual([]);
    expect(alerts.filter((name) => !docs.includes(`### ${name}\n`))).toEqual([]);
  });

  test('the five dashboards have ids of their own, and every panel a title and a query', () => {
    expect(new Set(dashboards.map((d) => d.uid)).size).toBe(5);
    for (const { panels } of dashboards)
      for (const panel of panels) {
        expect(panel.title).not.toBe('');
        expect(panel.targets.length).toBeGreaterThan(0);
      }
  });
});

describe('on a real stack', () => {
  let server: OpenAiServer | null = null;
  let stack: Stack | null = null;
  let prometheus: Prometheus | null = null;
  let collector: TraceCollector | null = null;

  beforeAll(async () => {
    if (absent) return;
    server = await OpenAiServer.start({ faultEvery: 2, faults: ['429', '500', 'garbage', 'reset'] });
    const failing = server
      .modelsYaml()
      .replace(/^models:\n/, '')
      .replace(/^strongest:.*\n/m, '');
    collector = await TraceCollector.start();
    const pool = readFileSync(SIMULATED, 'utf8').replace(/^(?=strongest:)/m, failing);
    stack = await Stack.start(pool, { env: { ACR_OTLP_ENDPOINT: collector.url } });
    prometheus = await Prometheus.start(stack.state.services.map((s) => s.port));
    await work(stack);
    // A few scrapes and rule evaluations after the last event.
    await sleep(6_000);
  }, 240_000);

  afterAll(async () => {
    await prometheus?.stop();
    await stack?.stop();
    await server?.stop();
    await collector?.stop();
  }, 120_000);

  /** Names of the expressions that return nothing, and of those that return no number at all. */
  async function lacking(expressions: { name: string; expr: string }[]) {
    const lacks: string[] = [];
    for (const { name, expr } of expressions) {
      const samples = (await prometheus?.query(expr)) ?? [];
      if (samples.length === 0) lacks.push(`${name}: no data: ${expr}`);
      else if (samples.every((s) => s.value[1] === 'NaN')) lacks.push(`${name}: not a number: ${expr}`);
    }
    return lacks;
  }

  test('every panel shows data', async () => {
    if (absent) return void process.stdout.write(absent);
    const queries = dashboards.flatMap((d) =>
      d.panels.flatMap((p) =>
        p.targets.map((t) => ({ name: `${d.title} / ${p.title}`, expr: asQuery(t.expr) })),
      ),
    );
    expect(queries.length).toBeGreaterThan(50);
    expect(await lacking(queries)).toEqual([]);
  });

  test('every rule has data to judge', async () => {
    if (absent) return void process.stdout.write(absent);
    const queries = rules.map((rule) => ({
      name: rule.record ?? rule.alert ?? '',
      expr: rule.alert ? asTruth(rule.expr) : rule.expr,
    }));
    expect(await lacking(queries)).toEqual([]);
    const recorded = rules.flatMap((r) => (r.record ? { name: 'recorded', expr: r.record } : []));
    expect(await lacking(recorded)).toEqual([]);
  });

  test('one trace follows a task over all hops, and holds no prompt', () => {
    if (absent) return void process.stdout.write(absent);
    const spans = collector?.spans ?? [];
    const task = spans.find((s) => s.name === 'task');
    const trace = spans.filter((s) => s.traceId === task?.traceId);
    const hops = ['search_memory', 'plan', 'execute', 'verify', 'upsert_memory'];
    expect(trace.map((s) => s.name)).toEqual(expect.arrayContaining(hops));
    for (const hop of trace.filter((s) => hops.includes(s.name))) expect(hop.parentSpanId).toBe(task?.spanId);
    const chat = trace.find((s) => s.name.startsWith('chat '));
    expect(trace.find((s) => s.spanId === chat?.parentSpanId)?.name).toBe('execute');
    expect(chat?.attributes.map((a) => a.key)).toContain('gen_ai.usage.output_tokens');
    expect(JSON.stringify(spans)).not.toMatch(/gen_ai\.(in|out)put\.messages|Write a function/);
  });

  test('what was scraped agrees with what the stack says it did', async () => {
    if (absent || !stack || !prometheus) return void process.stdout.write(absent ?? '');
    const report = JSON.parse((await stack.acr('report', '--json', '--all')).stdout) as {
      tasks: { settled: number };
    };
    const [failed] = await prometheus.query('sum(acrouter_calls_total{result!="answered"})');
    expect(Number(failed?.value[1])).toBeGreaterThan(0);
    const [settled] = await prometheus.query('sum(acrouter_tasks_total)');
    expect(Number(settled?.value[1])).toBe(report.tasks.settled);
  }, 60_000);
});

/** The quickstart's batch, then one whose provider fails every other call; both have budgets. */
async function work(stack: Stack): Promise<void> {
  const tasks = join(ROOT, 'examples/tasks');
  const examples = readdirSync(tasks).map((file) => readFileSync(join(tasks, file), 'utf8'));
  stack.file('examples.jsonl', examples.join(''));
  stack.file('adds.jsonl', addTasks(40));
  for (const file of ['examples.jsonl', 'adds.jsonl']) {
    const submitted = await stack.acr('submit', file, '--wait', '--json', '--max-cost-usd', '50');
    if (![0, 1].includes(submitted.code ?? -1)) throw new Error(submitted.stderr);
  }
}
