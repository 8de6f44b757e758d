import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { appendOutputFile, writeOutputFile } from './output-file';

describe('files that a pipeline asked for', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'acr-report-file-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  test('folders above them are made', () => {
    const file = join(dir, 'reports/junit/acr.xml');
    writeOutputFile('--junit', file, 'one');
    appendOutputFile('--junit', file, ' two');
    expect(readFileSync(file, 'utf8')).toBe('one two');
  });

  test('one that cannot be written is wrong input, named with its option', () => {
    mkdirSync(join(dir, 'folder'));
    writeFileSync(join(dir, 'file'), '');
    for (const [name, reason] of [
      ['folder', 'EISDIR'],
      ['file/acr.xml', 'ENOTDIR|EEXIST'],
    ] as const)
      expect(() => writeOutputFile('--sarif', join(dir, name), 'x')).toThrow(
        expect.objectContaining({
          code: 'ACR_INVALID_REQUEST',
          message: expect.stringMatching(`${name} cannot be written \\((${reason})\\).*--sarif`),
        }),
      );
    expect(() => appendOutputFile('--answers', join(dir, 'folder'), 'x')).toThrow(/--answers/);
  });
});
