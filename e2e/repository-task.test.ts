import { afterAll, expect, jest, test } from '@jest/globals';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acr, ROOT } from './stack';

jest.setTimeout(180_000);

const EXAMPLES = join(ROOT, 'examples/repositories');
const dir = mkdtempSync(join(tmpdir(), 'acr-e2e-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const files = ['--tasks', join(EXAMPLES, 'tasks.jsonl'), '--answers', join(EXAMPLES, 'answers.jsonl')];

interface Line {
  model: string;
  passed: boolean;
  score: number;
  signals: { kind: string; evidence: Record<string, unknown> }[];
}

test('acr verify judges the example of a repository task', async () => {
  const ran = await acr(['verify', ...files, '--repositories', EXAMPLES, '--json'], dir);
  expect(ran.code).toBe(0);
  const lines = ran.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  const tests = lines.map(({ model, passed, signals }) => {
    const evidence = signals.find((s) => s.kind === 'tests')?.evidence ?? {};
    return [model, passed, String(evidence['message'] ?? evidence['reason'] ?? '').slice(0, 60)];
  });
  expect(tests).toEqual([
    ['right', true, ''],
    ['breaks another test', false, '2 of 4 tests failed: parses several units; test/durations.te'],
    ['does not apply', false, 'hunk 1 of the diff of src/durations.js does not apply: its c'],
    ['edits the test', false, 'the answer changes nothing but protected files: test/duratio'],
  ]);
  expect(readdirSync(dir)).toEqual([]);
});

test('without a folder of repositories the task is refused, saying what to do', async () => {
  const ran = await acr(['verify', ...files, '--json'], dir, { ACR_REPOSITORIES: '' });
  expect(ran.code).toBe(5);
  expect(ran.stderr).toContain('ACR_REPOSITORIES is not set');
});
