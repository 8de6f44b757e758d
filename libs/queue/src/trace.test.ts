import { expect, test } from '@jest/globals';
import { currentTrace, formatTraceparent, nextSpan, parseTraceparent, withTrace } from './trace';

const random = (bytes: number) => Buffer.alloc(bytes, 0xab);
const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

test('a hop keeps the trace and gets a span of its own', () => {
  const span = nextSpan(parseTraceparent(PARENT), random);
  expect(formatTraceparent(span)).toBe('00-0af7651916cd43dd8448eb211c80319c-abababababababab-01');
});

test('malformed and all-zero parents are ignored', () => {
  for (const text of [
    undefined,
    '',
    'x',
    PARENT.toUpperCase(),
    PARENT.replace(/b7ad6b7169203331/, '0'.repeat(16)),
  ])
    expect(parseTraceparent(text)).toBeUndefined();
  expect(nextSpan(undefined, random).traceId).toBe('ab'.repeat(16));
});

test('no two spans are alike', () => {
  const spans = Array.from({ length: 2_000 }, () => nextSpan(undefined));
  expect(new Set(spans.map((s) => s.spanId)).size).toBe(2_000);
  expect(new Set(spans.map((s) => s.traceId)).size).toBe(2_000);
});

test('the current trace follows asynchronous work', async () => {
  const trace = nextSpan(undefined, random);
  const seen = await withTrace(trace, async () => {
    await Promise.resolve();
    return currentTrace();
  });
  expect(seen).toBe(trace);
  expect(currentTrace()).toBeUndefined();
});
