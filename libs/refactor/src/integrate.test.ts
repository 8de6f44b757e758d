import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Outcome } from '@acrouter/domain/task';
import type { Checker } from './checker';
import { readImports } from './imports';
import { integrate, planRetries } from './integrate';
import { Journal, type JournalState } from './journal';
import type { Snapshot } from './plan';
import type { Changes, Scratch } from './scratch';

/** Real journal and merge; git and the sandbox are played: a commit is the list of what it changes. */
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'acr-integrate-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const TEXTS: Record<string, string> = {
  'a.js': "import './b.js'\na\n",
  'b.js': 'b\n',
  'c.js': 'c\n',
  'd.js': 'd\n',
};
const texts = new Map(Object.entries(TEXTS));
const snapshot: Snapshot = {
  files: new Map([...texts].map(([path]) => [path, { path, blob: path, mode: '100644', sizeBytes: 1 }])),
  texts,
  graph: readImports(texts),
  unreadable: new Map(),
};

interface Played {
  answers: Record<string, string | null>;
  outcomes?: Record<string, Outcome>;
  red?: (changed: readonly string[]) => boolean;
  more?: Partial<JournalState>;
  options?: Partial<JournalState['options']>;
}

function play({ answers, outcomes = {}, red = () => false, more = {}, options = {} }: Played) {
  const units = ['b.js', 'a.js', 'c.js', 'd.js'].map((path) => ({ key: path, paths: [path], skipped: null }));
  const results = Object.entries(answers).map(([key, answer]): [string, JournalState['results'][string]] => [
    key,
    {
      ...{ taskId: `t-${key}`, outcome: outcomes[key] ?? 'solved', model: 'm', models: ['m'], costUsd: 0.1 },
      ...{ unknownCalls: 0, simulated: false, answered: answer !== null },
    },
  ]);
  mkdirSync(join(folder, 'answers'));
  for (const [key, answer] of Object.entries(answers))
    if (answer !== null)
      writeFileSync(
        join(folder, 'answers', `${createHash('sha256').update(key).digest('hex').slice(0, 32)}.txt`),
        answer,
      );
  const journal = Journal.create(folder, {
    version: 1,
    id: 'r',
    createdAt: '2026-01-01T00:00:00.000Z',
    base: 'base',
    options: {
      ...{ globs: ['*.js'], instruction: 'i', verify: 'v', perFileVerify: null, maxCostUsd: null },
      ...{ maxAttempts: null, concurrency: 1, branch: 'b', groupSize: 1, maxPromptTokens: 1_000 },
      ...{ verifyTimeoutMs: 1_000, language: 'javascript', include: [], ...options },
    },
    units,
    inLoop: true,
    runId: 'run',
    results: Object.fromEntries(results),
    retries: {},
    checks: {},
    finished: false,
    ...more,
  });
  const checked: string[] = [];
  const scratch = {
    commit: (parent: string, changes: Changes) => Promise.resolve(`${parent}+${Object.keys(changes).join()}`),
  } as unknown as Scratch;
  const checker = {
    durationMs: () => 10,
    check: (commit: string, command: string) => {
      checked.push(`${command}: ${commit}`);
      return Promise.resolve(red(commit.split('+').slice(1)) ? 'exit code 1\nexpected 1, got 2' : null);
    },
  } as unknown as Checker;
  return {
    journal,
    checked,
    run: () => integrate({ journal, snapshot, scratch, checker, say: () => undefined }),
  };
}

const whole = (path: string) => `\`\`\`js\n${TEXTS[path]}changed\n\`\`\``;
const all = Object.fromEntries(Object.keys(TEXTS).map((path) => [path, whole(path)]));
const statuses = (ends: { unit: { key: string }; status: string }[]) =>
  Object.fromEntries(ends.map((e) => [e.unit.key, e.status]));

describe('merging', () => {
  test('puts right answers together in the order of the units, one commit each', async () => {
    const { head, ends } = await play({ answers: all }).run();
    expect(head).toBe('base+b.js+a.js+c.js+d.js');
    expect(ends.map((e) => e.commit)).toEqual([
      'base+b.js',
      'base+b.js+a.js',
      'base+b.js+a.js+c.js',
      'base+b.js+a.js+c.js+d.js',
    ]);
  });

  test('sets aside the offender and keeps the rest', async () => {
    const { head, ends } = await play({ answers: all, red: (changed) => changed.includes('c.js') }).run();
    expect(head).toBe('base+b.js+a.js+d.js');
    expect(ends.find((e) => e.unit.key === 'c.js')).toMatchObject({
      status: 'failed',
      reason: '"v" failed with this change on top of 2 that were merged before: exit code 1',
      output: 'expected 1, got 2',
      commit: null,
    });
  });

  test('tries again, on top of what was merged, what failed alone but hangs together with it', async () => {
    // a needs the changed b; c failed alone too, but nothing that was merged is near it.
    const played = play({
      answers: all,
      outcomes: { 'a.js': 'unsolved', 'c.js': 'unsolved' },
      red: (changed) => changed.includes('a.js') && !changed.includes('b.js'),
    });
    const { ends } = await played.run();
    expect(statuses(ends)).toEqual({
      'b.js': 'merged',
      'a.js': 'merged',
      'c.js': 'failed',
      'd.js': 'merged',
    });
    expect(ends.find((e) => e.unit.key === 'c.js')?.reason).toBe(
      '"v" did not pass with this change alone; acr explain t-c.js tells each attempt',
    );
  });

  test('says why there is nothing to merge from a unit', async () => {
    const { ends } = await play({
      answers: { 'a.js': null, 'b.js': 'no code', 'c.js': null },
      outcomes: { 'a.js': 'over-budget', 'c.js': 'failed' },
    }).run();
    expect(ends.map((e) => [e.unit.key, e.status, e.reason])).toEqual([
      ['b.js', 'failed', 'the answer holds neither a diff nor a code block'],
      ['a.js', 'failed', expect.stringMatching(/budget did not allow.*--concurrency/)],
      ['c.js', 'failed', 'no model answered (outages only); acr explain t-c.js tells each attempt'],
      ['d.js', 'failed', 'the run was cancelled before this task was submitted'],
    ]);
  });

  test('checks answers by the command of their file where the loop could not', async () => {
    const played = play({
      answers: { 'a.js': whole('a.js'), 'b.js': whole('b.js') },
      options: { perFileVerify: 'check {file}' },
      more: { inLoop: false },
      red: (changed) => changed.join() === 'a.js',
    });
    const { ends } = await played.run();
    expect(played.checked).toContain("check 'a.js': base+a.js");
    expect(ends.find((e) => e.unit.key === 'a.js')).toMatchObject({
      status: 'failed',
      reason: `"check 'a.js'" failed with this change alone: exit code 1`,
      output: 'expected 1, got 2',
    });
  });

  test('does not hand out a branch that is red after all', async () => {
    let calls = 0;
    const flaky = () => ++calls > Object.keys(all).length;
    await expect(play({ answers: all, red: flaky }).run()).rejects.toThrow('red after all');
  });
});

describe('asking again, where answers are checked here', () => {
  const failing = {
    answers: { ...all, 'd.js': null },
    red: (changed: readonly string[]) => changed.includes('c.js'),
  };

  test('concerns answers that failed, with the reason, up to the limit', async () => {
    const played = play({ ...failing, more: { inLoop: false } });
    const integrated = await played.run();
    expect(planRetries(played.journal, integrated)).toBe(true);
    expect(played.journal.state.retries).toEqual({
      'c.js': { round: 2, reason: expect.stringMatching(/exit code 1\nexpected 1, got 2$/) },
    });
    const last = { 'c.js': { round: 3, reason: '' } };
    played.journal.update((s) => (s.retries = last));
    expect(planRetries(played.journal, integrated)).toBe(false);
  });

  test('does not happen where the loop asked again already', async () => {
    const played = play(failing);
    expect(planRetries(played.journal, await played.run())).toBe(false);
  });
});
