import { expect, test } from '@jest/globals';
import { isRedisUrl, parseRedisUrl } from './redis-url';

const one = (host: string, port: number) => [{ host, port }];

test.each([
  ['redis://localhost', { kind: 'single', nodes: one('localhost', 6379), database: 0, tls: false }],
  ['redis://', { nodes: one('127.0.0.1', 6379) }],
  ['redis://user:p%40ss:w@h:1/3', { nodes: one('h', 1), username: 'user', password: 'p@ss:w', database: 3 }],
  ['redis://:secret@h', { username: undefined, password: 'secret' }],
  ['redis://[::1]:7000', { nodes: one('::1', 7000) }],
  [
    'rediss://h:6380?ca=/ca.pem&cert=/c.pem&key=/k.pem',
    { tls: true, caFile: '/ca.pem', certFile: '/c.pem', keyFile: '/k.pem' },
  ],
  [
    'redis+cluster://:s@a:7001,b:7002,c',
    {
      kind: 'cluster',
      password: 's',
      nodes: [...one('a', 7001), ...one('b', 7002), ...one('c', 6379)],
    },
  ],
  ['rediss+cluster://a', { kind: 'cluster', tls: true }],
  [
    'redis+sentinel://:s@a,b:26380/my%20master/2?sentinelPassword=t',
    {
      kind: 'sentinel',
      nodes: [...one('a', 26379), ...one('b', 26380)],
      master: 'my master',
      database: 2,
      password: 's',
      sentinelPassword: 't',
    },
  ],
])('%s', (url, expected) => {
  expect(isRedisUrl(url)).toBe(true);
  expect(parseRedisUrl(url)).toMatchObject(expected);
});

test.each([
  ['redis://a,b', 'redis+cluster:// or redis+sentinel://'],
  ['redis+sentinel://a', '/NAME of the master'],
  ['redis+cluster://a/1', 'a cluster has only 0'],
  ['redis://a/x', 'number, that of the database'],
  ['redis://a/1/2', 'number, that of the database'],
  ['redis://a:99999', 'names the port 99999'],
  ['redis://a:b:c', 'names no host'],
  ['redis://a?tls=1', 'the parameter "tls"'],
  ['redis://a?ca=/x', 'write rediss'],
  ['redis://u:100%@a', 'write %25'],
])('%s is refused: %s', (url, reason) => expect(() => parseRedisUrl(url)).toThrow(reason));

test('no message holds the password', () => {
  for (const url of ['redis://:hunter2@a,b', 'redis+cluster://:hunter2@a/1', 'redis://:hunter2@a?x=1'])
    expect(() => parseRedisUrl(url)).not.toThrow(/hunter2/);
});

test('what is no Redis', () => {
  for (const url of ['postgres://a', 'redis+other://a', 'redisx://a', 'http://redis://'])
    expect(isRedisUrl(url)).toBe(false);
});
