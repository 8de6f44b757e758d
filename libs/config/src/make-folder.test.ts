import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeFolder } from './make-folder';

let top: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'acr-folder-'));
});
afterEach(() => rmSync(top, { recursive: true }));

test('folders above are made too, and one that is there is left alone', () => {
  makeFolder(join(top, 'a/b/c'));
  makeFolder(join(top, 'a/b/c'));
  expect(existsSync(join(top, 'a/b/c'))).toBe(true);
});

test('a file in the way, and a place where nothing can be made, are errors of the system', () => {
  writeFileSync(join(top, 'f'), '');
  expect(() => makeFolder(join(top, 'f/g'))).toThrow(/is a file/);
  if (existsSync('/proc/self')) expect(() => makeFolder('/proc/acr-none/x')).toThrow(/ENOENT|EACCES|EPERM/);
});
