import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  lockDataDir,
  pathsOf,
  readLiveStack,
  readStack,
  removeStack,
  writeStack,
  type StackFile,
} from './stack-file';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'acr-stack-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const stack: StackFile = {
  // A process that exists and is no `acr`, as after a reboot that gave the number to another program.
  pid: 1,
  startedAt: '2026-01-01T00:00:00Z',
  url: 'http://127.0.0.1:1',
  databaseUrl: 'postgres://a:secret@h/b',
  queueUrl: 'postgres://a:secret@h/b',
  postgresPid: null,
  modelsFile: null,
  services: [{ name: 'gateway', pid: 2, port: 3, restarts: 0 }],
};

test('what was written is read back, and only its owner may read it', () => {
  writeStack(dir, stack);
  expect(readStack(dir)).toEqual(stack);
  expect(statSync(pathsOf(dir).stack).mode & 0o077).toBe(0);
});

test('a pid that another program got is no running stack', () => {
  writeStack(dir, stack);
  expect(readLiveStack(dir)).toBeNull();
});

test('a file that is cut off counts as none', () => {
  writeFileSync(pathsOf(dir).stack, '{"pid":');
  expect(readStack(dir)).toBeNull();
});

test('the lock of a dead process is taken over, and removing the stack frees it', () => {
  writeFileSync(pathsOf(dir).lock, '4194000');
  lockDataDir(dir);
  expect(readFileSync(pathsOf(dir).lock, 'utf8')).toBe(String(process.pid));
  removeStack(dir);
  expect(() => statSync(pathsOf(dir).lock)).toThrow(/ENOENT/);
});
