import { expect, test } from '@jest/globals';
import { classifyFailure } from './failure';

const FACTS = {
  cancelled: false,
  timedOut: false,
  timeoutMs: 1_000,
  apiKey: null,
  apiKeyEnv: null,
  modelId: 'm',
  latencyMs: 1,
  nowMs: 0,
};
const wrapped = (cause: unknown) => new Error('Cannot connect to API', { cause });

test.each([
  ['a refused connection', wrapped(Object.assign(new Error('x'), { code: 'ECONNREFUSED' })), false],
  [
    'a port that fetch never speaks to',
    wrapped(new TypeError('fetch failed', { cause: new Error('bad port') })),
    false,
  ],
  [
    'a scheme that fetch does not know',
    wrapped(new TypeError('fetch failed', { cause: new Error('unknown scheme') })),
    false,
  ],
  ['a connection that broke', wrapped(Object.assign(new Error('x'), { code: 'ECONNRESET' })), true],
])('%s is a failed connection; whether it may have been billed: %#', (_, error, billed) => {
  expect(classifyFailure(error, FACTS)).toMatchObject({
    failure: 'connection',
    retryable: true,
    mayHaveBeenBilled: billed,
  });
});

test('an error that nobody foresaw may have been billed', () => {
  expect(classifyFailure(new Error('?'), FACTS)).toMatchObject({
    failure: 'broken-body',
    mayHaveBeenBilled: true,
  });
});
