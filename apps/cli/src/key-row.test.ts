import { KEY_SCOPES, type KeyView } from '@acrouter/db/key-store';
import { expect, test } from '@jest/globals';
import { KEY_HEADING, keyRow } from './key-row';

const key: KeyView = {
  id: '6d3f2a9e-0000-4000-8000-000000000000',
  tenant_id: 'web',
  name: 'ci',
  prefix: '3f9c61b0a2d7',
  scopes: [...KEY_SCOPES],
  requests_per_minute: null,
  created_at: new Date('2020-01-01T00:00:00Z'),
  expires_at: null,
  revoked_at: null,
};
const ended = new Date('2020-02-03T04:05:06Z');
const cells = (line: string) => line.trim().split(/ {2,}|(?<=…) | (?=submit)/);

test('every column of a key is apart from the next, however long, and no scope is cut off', () => {
  const scopes = KEY_SCOPES.join(',');
  expect(cells(keyRow(key))).toEqual(['3f9c61b0a2d7 web', 'valid', `${scopes} ci`]);
  const states: [Partial<KeyView>, string][] = [
    [{ expires_at: ended }, 'expired 2020-02-03'],
    [{ revoked_at: ended }, 'revoked 2020-02-03'],
    [{ expires_at: new Date('2999-01-02') }, 'valid to 2999-01-02'],
  ];
  for (const [change, state] of states)
    expect(keyRow({ ...key, ...change })).toContain(` ${state} ${state.length < 19 ? ' ' : ''}${scopes} ci`);
  expect(keyRow({ ...key, tenant_id: 'x'.repeat(64) })).toContain(` ${'x'.repeat(12)}… valid `);
});

test('its line fits a terminal of 80 columns but for the name, under the heading', () => {
  const line = keyRow({ ...key, name: 'github actions', expires_at: ended });
  expect(line.indexOf('github')).toBeLessThan(80);
  expect(line.indexOf('github')).toBe(KEY_HEADING.indexOf('name'));
});
