import { expect, test } from '@jest/globals';
import { Command } from 'commander';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { registerCi } from './ci';

test('a submit that fails leaves nothing that wait could take for its work', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'acr-ci-'));
  const state = join(dir, 'state.json');
  writeFileSync(state, JSON.stringify({ run: 'of-the-last-commit', file: null }));
  const program = new Command();
  registerCi(program);
  const job = ['--repository', 'o/r', '--commit', 'c', '--job', 'j'];
  const submit = ['ci', 'submit', join(dir, 'none.jsonl'), '--state', state, ...job];
  await expect(program.parseAsync(submit, { from: 'user' })).rejects.toThrow(/cannot be read/);
  expect(existsSync(state)).toBe(false);
  await expect(program.parseAsync(['ci', 'wait', '--state', state], { from: 'user' })).rejects.toThrow(
    /names no run/,
  );
});
