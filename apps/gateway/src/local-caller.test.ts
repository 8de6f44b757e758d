import { describe, expect, test } from '@jest/globals';
import type { FastifyRequest } from 'fastify';
import { isLocal, isNeighbour } from './local-caller';

const from = (remoteAddress: string | undefined, headers: Record<string, string> = {}) =>
  ({
    headers: { host: '127.0.0.1:8700', ...headers },
    raw: { socket: { remoteAddress } },
  }) as unknown as FastifyRequest;

describe('this machine', () => {
  test.each(['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1'])('%s', (address) => {
    expect(isLocal(from(address))).toBe(true);
    expect(isNeighbour(from(address))).toBe(true);
  });

  test.each(['localhost', 'LOCALHOST:1', '[::1]:8700', '127.0.0.1'])('addressed as %s', (host) => {
    expect(isLocal(from('127.0.0.1', { host }))).toBe(true);
  });

  test.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '', '10.0.0.1'])(
    'not when addressed as %s',
    (host) => expect(isLocal(from('127.0.0.1', { host }))).toBe(false),
  );
});

test('a page of another site is not this machine, whatever its browser’s address', () => {
  for (const headers of [
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { origin: 'http://localhost:3000' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ])
    expect(isLocal(from('127.0.0.1', headers as unknown as Record<string, string>))).toBe(false);
  const own = { origin: 'http://127.0.0.1:8700', 'sec-fetch-site': 'same-origin' };
  expect(isLocal(from('127.0.0.1', own))).toBe(true);
  expect(isLocal(from('127.0.0.1', { 'sec-fetch-site': 'none' }))).toBe(true);
});

test.each([
  '10.1.2.3',
  '172.31.0.1',
  '192.168.1.1',
  '100.64.0.9',
  '::ffff:10.0.0.1',
  'fd00::1',
  'fe80::1%eth0',
])('%s is a neighbour, not this machine', (address) => {
  expect(isNeighbour(from(address))).toBe(true);
  expect(isLocal(from(address))).toBe(false);
});

test.each(['203.0.113.1', '172.32.0.1', '2001:db8::1', '::ffff:8.8.8.8', 'nonsense', undefined])(
  '%s is neither',
  (address) => {
    expect(isNeighbour(from(address))).toBe(false);
    expect(isLocal(from(address))).toBe(false);
  },
);

test.each(['x-forwarded-for', 'forwarded', 'x-real-ip', 'via', 'x-forwarded-host'])(
  'what a proxy passes on (%s) is neither',
  (header) => {
    const request = from('127.0.0.1', { [header]: '127.0.0.1' });
    expect([isLocal(request), isNeighbour(request)]).toEqual([false, false]);
  },
);
