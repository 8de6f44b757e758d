import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { claimFolder } from './output-folder';

let top: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'acr-output-'));
});
afterEach(() => rmSync(top, { recursive: true }));

test('a folder is made with those above it, and taken again by the same run only', () => {
  const folder = join(top, 'a', 'b');
  claimFolder(folder, { set: 'id', maxAttempts: 1 });
  expect(() => claimFolder(folder, { set: 'id', maxAttempts: 1 })).not.toThrow();
  expect(() => claimFolder(folder, { set: 'id', maxAttempts: 3 })).toThrow(
    /holds another run \(maxAttempts 1, now 3\)\. Name another folder/,
  );
});

test('results without a mark are somebody’s; other files are no hindrance', () => {
  writeFileSync(join(top, 'notes.txt'), '');
  claimFolder(top, {});
  rmSync(join(top, 'run.json'));
  writeFileSync(join(top, 'table.csv'), '');
  expect(() => claimFolder(top, {})).toThrow(/holds another run/);
  expect(existsSync(join(top, 'run.json'))).toBe(false);
});

test('a file in the way is named', () => {
  writeFileSync(join(top, 'f'), '');
  expect(() => claimFolder(join(top, 'f', 'g'), {})).toThrow(/f is a file\)\. Name another/);
});
