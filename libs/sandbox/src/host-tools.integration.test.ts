import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findHostTool, isTrusted } from './host-tools';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'acr-tools-'));
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin', 'tool'), '#!/bin/sh\n', { mode: 0o755 });
});
afterAll(() => rmSync(folder, { recursive: true }));

const tool = () => join(folder, 'bin', 'tool');

test('programs of the system are found, absent ones are not', () => {
  expect(findHostTool('sh')).toMatch(/^\/(usr\/)?bin\/sh$/);
  expect(findHostTool('acr-no-such-tool')).toBeNull();
});

test('a file of ours below folders of ours or of root is trusted', () => {
  chmodSync(join(folder, 'bin'), 0o755);
  expect(isTrusted(tool())).toBe(true);
});

test.each([
  ['a folder that others may write to', 0o777],
  ['a folder that the group may write to', 0o775],
])('%s is not', (_what, mode) => {
  chmodSync(join(folder, 'bin'), mode);
  expect(isTrusted(tool())).toBe(false);
});

test('a file of somebody else is not', () => {
  chmodSync(join(folder, 'bin'), 0o755);
  const owner = process.getuid?.() ?? 0;
  // To another user than its owner it is somebody else's; root's own are everybody's.
  expect(isTrusted(tool(), owner + 1)).toBe(owner === 0);
});
