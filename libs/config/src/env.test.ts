import { expect, test } from '@jest/globals';
import { readEnv } from './env';

const url = 'postgres://a@127.0.0.1/b';

test('the queue lives in the database unless a URL says otherwise', () => {
  expect(readEnv({ ACR_DATABASE_URL: url }).ACR_QUEUE_URL).toBe(url);
  expect(readEnv({ ACR_DATABASE_URL: url, ACR_QUEUE_URL: 'redis://h:6379' }).ACR_QUEUE_URL).toBe(
    'redis://h:6379',
  );
});

test('empty variables count as absent', () => {
  expect(readEnv({ ACR_DATABASE_URL: url, ACR_HTTP_PORT: '' }).ACR_HTTP_PORT).toBe(8700);
});

test('every wrong variable is named', () => {
  expect(() => readEnv({ ACR_HTTP_PORT: 'x', ACR_QUEUE_URL: 'amqp://h' })).toThrow(
    /ACR_DATABASE_URL.*ACR_QUEUE_URL.*ACR_HTTP_PORT/s,
  );
});
