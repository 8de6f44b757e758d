import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AcrError, ERRORS } from './errors';

const page = readFileSync(join(__dirname, '../../../docs/errors.md'), 'utf8');

test('docs/errors.md explains every code, with its status, and no other', () => {
  const documented = [...page.matchAll(/^## (ACR_\w+) · (\d+)/gm)].map((m) => `${m[1]} ${m[2]}`);
  const coded = Object.entries(ERRORS).map(([code, e]) => `${code} ${e.httpStatus}`);
  expect(documented.sort()).toEqual(coded.sort());
});

test('an error without detail says what its code means', () => {
  expect(new AcrError('ACR_OVER_BUDGET').message).toBe(ERRORS.ACR_OVER_BUDGET.message);
});
