import { AcrError } from '@acrouter/domain/errors';
import { DEFAULT_LIMITS } from '@acrouter/domain/task';
import { expect, test } from '@jest/globals';
import { isDeeperThan, toNewTasks } from './submission';

const context = { tenantId: 'default', runId: null, nowMs: 1_000, traceparent: undefined };

test('what a task does not say is filled from the defaults', () => {
  const [task] = toNewTasks([{ prompt: 'p' }], context);
  expect(task).toMatchObject({
    externalId: null,
    runId: null,
    language: null,
    dimension: null,
    source: null,
    verification: null,
    metadata: {},
    limits: DEFAULT_LIMITS,
  });
});

test('what a task says counts; the deadline runs from its submission', () => {
  const spec = { prompt: 'p', maxAttempts: 7, maxCostUsd: 0.5, deadlineSeconds: 2.5, costWeight: 0 };
  expect(toNewTasks([spec], context)[0]?.limits).toEqual({
    maxAttempts: 7,
    maxOutages: DEFAULT_LIMITS.maxOutages,
    maxCostUsd: 0.5,
    deadlineAtMs: 3_500,
    costWeight: 0,
  });
});

test('ids sort in the order of submission', () => {
  const ids = toNewTasks(
    Array.from({ length: 1_000 }, () => ({ prompt: 'p' })),
    context,
  ).map((t) => t.id);
  expect([...ids].sort()).toEqual(ids);
  expect(new Set(ids).size).toBe(1_000);
});

test('the source is text, or there is none', () => {
  const sourceOf = (source: unknown) =>
    toNewTasks([{ prompt: 'p', metadata: { source } }], context)[0]?.source;
  expect(sourceOf('suite')).toBe('suite');
  expect(sourceOf('x'.repeat(500))).toHaveLength(128);
  expect(sourceOf('a\0b')).toBe('a\ufffdb');
  expect([sourceOf(7), sourceOf(''), sourceOf(null)]).toEqual([null, null, null]);
});

test('without a trace each task has its own; a malformed one counts as none', () => {
  const traces = (traceparent: string | undefined) =>
    new Set(
      toNewTasks([{ prompt: 'p' }, { prompt: 'q' }], { ...context, traceparent }).map((t) =>
        t.traceparent?.slice(3, 35),
      ),
    );
  expect(traces(undefined).size).toBe(2);
  expect(traces('nonsense').size).toBe(2);
  expect(traces(`00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`)).toEqual(new Set(['a'.repeat(32)]));
});

test('metadata may be 32 levels deep', () => {
  const nest = (levels: number): Record<string, unknown> => (levels === 1 ? {} : { a: nest(levels - 1) });
  expect(isDeeperThan(nest(32), 32)).toBe(false);
  expect(isDeeperThan(nest(33), 32)).toBe(true);
  expect(() => toNewTasks([{ prompt: 'p', metadata: nest(40) }], context)).toThrow(AcrError);
});
