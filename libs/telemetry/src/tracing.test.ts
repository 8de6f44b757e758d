import { expect, test } from '@jest/globals';
import { InMemorySpanExporter, type ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { Tracing } from './tracing';

/** Unix ms; OpenTelemetry takes small numbers for times since the process began. */
const T = 1_700_000_000_000;
const TRACE = 'ab'.repeat(16);
const TASK = `00-${TRACE}-${'1'.repeat(16)}-01`;
const HOP = `00-${TRACE}-${'2'.repeat(16)}-01`;

/** The spans that `work` records. The real exporter is tried by e2e/monitoring.test.ts. */
async function recorded(work: (tracing: Tracing) => void): Promise<ReadableSpan[]> {
  const spans: ReadableSpan[] = [];
  const exporter = new InMemorySpanExporter();
  exporter.export = (batch, done) => {
    spans.push(...batch);
    done({ code: 0 });
  };
  const tracing = new Tracing({ service: 'test', exporter });
  work(tracing);
  await tracing.close();
  return spans;
}

test('a span has the ids that its hop was given, and hangs below its task', async () => {
  const spans = await recorded((tracing) => {
    tracing.record({ name: 'task', self: TASK, startMs: T + 1_000, endMs: T + 9_000 });
    tracing.record({
      name: 'plan',
      self: HOP,
      parent: TASK,
      startMs: T + 2_000,
      endMs: T + 3_000,
      error: 'late',
    });
    tracing.record({
      name: 'chat m',
      parent: HOP,
      startMs: T + 2_100,
      endMs: T + 2_900,
      attributes: { a: 1 },
    });
  });
  expect(spans.map((s) => [s.name, s.spanContext().traceId])).toEqual([
    ['task', TRACE],
    ['plan', TRACE],
    ['chat m', TRACE],
  ]);
  const [task, plan, chat] = spans;
  expect([task?.spanContext().spanId, task?.parentSpanContext]).toEqual(['1'.repeat(16), undefined]);
  expect([plan?.spanContext().spanId, plan?.parentSpanContext?.spanId]).toEqual([
    '2'.repeat(16),
    '1'.repeat(16),
  ]);
  expect(plan?.status.message).toBe('late');
  expect(plan?.startTime).toEqual([T / 1_000 + 2, 0]);
  expect(chat?.parentSpanContext?.spanId).toBe('2'.repeat(16));
  expect(chat?.spanContext().spanId).not.toBe('2'.repeat(16));
});

test('a trace that its beginner did not sample is not recorded', async () => {
  const unsampled = TASK.replace(/01$/, '00');
  expect(await recorded((t) => t.record({ name: 'x', parent: unsampled, startMs: 0, endMs: 1 }))).toEqual([]);
});

test('without an endpoint nothing is recorded', async () => {
  const tracing = new Tracing({ service: 'test' });
  tracing.record({ name: 'x', startMs: 0, endMs: 1 });
  await tracing.close();
});
