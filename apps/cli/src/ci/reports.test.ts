import type { RunView, TaskSummary } from '@acrouter/contracts/http';
import type { Report } from '@acrouter/contracts/http-report';
import { describe, expect, test } from '@jest/globals';
import { githubAnnotations } from './annotations';
import { taskLines, toCiTask, type CiResult } from './ci-result';
import { ciKey } from './ci-state';
import { junitXml } from './junit';
import { sarifLog } from './sarif';
import { markdownSummary } from './summary';

const EVIL = 'a"<&>\'|,:%\n::error::pwned @team `x` [l](http://e)\u0001\ud800';

function summaryOf(outcome: TaskSummary['outcome'], name: string): TaskSummary {
  return {
    id: `id-${name}`,
    externalId: name,
    runId: 'r',
    status: outcome === null ? 'running' : 'settled',
    outcome,
    solved: outcome === null ? null : outcome === 'solved',
    score: 0.5,
    model: 'm',
    dimension: 'algorithm',
    language: 'python',
    attempts: [],
    costUsd: 0.01,
    unknownCalls: 0,
    simulated: false,
    cancelRequested: false,
    createdAt: '2026-01-01T00:00:00Z',
    settledAt: null,
    durationMs: 1_500,
  };
}

const OUTCOMES = [
  'solved',
  'unsolved',
  'unverified',
  'expired',
  'over-budget',
  'failed',
  'cancelled',
  null,
] as const;
const tasks = OUTCOMES.map((o, i) => toCiTask(summaryOf(o, o ?? 'open'), i + 1));
const run = {
  id: 'run-1',
  name: 'tasks.jsonl',
  taskCount: 8,
  solved: 1,
  attempts: 9,
  costUsd: null,
  unknownCalls: 2,
  maxCostUsd: 1,
  simulated: false,
  createdAt: '2026-01-01T00:00:00Z',
  finishedAt: '2026-01-01T00:01:00Z',
} as unknown as RunView;
const result: CiResult = { run, tasks, file: 'ci/tasks.jsonl' };
const hostile: CiResult = {
  run: { ...run, name: EVIL },
  tasks: [toCiTask(summaryOf('unsolved', EVIL), 1)],
  file: 'a b,c:d%.jsonl',
};
const report = {
  models: [{ model: EVIL, share: 1, successRate: 0.5, costUsd: 1 }],
  strongest: null,
} as unknown as Report;

test('every outcome has a verdict', () => {
  expect(tasks.map((t) => t.verdict)).toEqual([
    'solved',
    'unsolved',
    'unsolved',
    'unsolved',
    'over-budget',
    'infrastructure',
    'cancelled',
    'pending',
  ]);
});

test('lines of a task file, blank ones left out', () => {
  expect(taskLines('{}\n\n{}\r\n  \n{}')).toEqual([1, 3, 5]);
});

test('the key depends on repository, commit and job, and on where one ends', () => {
  const job = { repository: 'o/r', commit: 'c', job: 'j' };
  expect(ciKey(job)).toMatch(/^ci-[0-9a-f]{40}$/);
  expect(ciKey({ ...job })).toBe(ciKey(job));
  const others = [
    { ...job, job: 'k' },
    { ...job, commit: 'd' },
    { repository: 'o', commit: '/rc', job: 'j' },
  ];
  expect(new Set([job, ...others].map(ciKey)).size).toBe(4);
});

describe('JUnit', () => {
  test('counts failures, errors and skipped tasks', () => {
    const xml = junitXml(result);
    expect(xml).toContain('tests="8" failures="4" errors="2" skipped="1" time="12.000"');
    expect(xml.match(/<failure /g)).toHaveLength(4);
    expect(xml).toContain(
      '<testcase name="solved" classname="acr.algorithm" time="1.500" file="ci/tasks.jsonl" line="1"/>',
    );
    expect(xml).toContain('<error type="infrastructure" ');
    expect(xml).toContain('name="costUsd" value="unknown"');
  });

  test('stays XML whatever a task is called', () => {
    const xml = junitXml(hostile);
    expect(xml).not.toMatch(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd]/);
    const attributes = [...xml.matchAll(/="([^"]*)"/g)].map((m) => m[1] ?? '');
    for (const value of attributes) expect(value).not.toMatch(/[<>']|&(?!(amp|lt|gt|quot|apos);)/);
    // Nothing but tags once the attributes are away.
    expect(xml.replaceAll(/="[^"]*"/g, '')).toMatch(/^(<[^<>"'&]+>|\s)*$/);
  });
});

test('SARIF names every unsolved task with its rule, level and line', () => {
  const log = sarifLog(result) as {
    runs: [
      {
        results: { ruleId: string; level: string; locations: unknown[] }[];
        tool: { driver: { rules: { id: string }[] } };
      },
    ];
  };
  const [{ results, tool }] = log.runs;
  expect(results).toHaveLength(7);
  expect(results.map((r) => r.level)).toEqual([
    'error',
    'error',
    'error',
    'error',
    'error',
    'note',
    'warning',
  ]);
  const rules = new Set(tool.driver.rules.map((r) => r.id));
  for (const r of results) expect(rules.has(r.ruleId)).toBe(true);
  expect(JSON.stringify(results[0]?.locations)).toContain(
    '"uri":"ci/tasks.jsonl","uriBaseId":"%SRCROOT%"},"region":{"startLine":2}',
  );
  expect(JSON.stringify(sarifLog(hostile))).toContain('a%20b,c:d%25.jsonl');
});

describe('annotations', () => {
  test('point at the lines of the task file, ten at most', () => {
    expect(githubAnnotations(result)[0]).toMatch(
      /^::error file=ci\/tasks.jsonl,line=2,title=unsolved%3A unsolved::Not solved after/,
    );
    const many = { ...result, tasks: Array.from({ length: 30 }, () => tasks[1] as (typeof tasks)[number]) };
    const lines = githubAnnotations(many);
    expect(lines).toHaveLength(11);
    expect(lines.at(-1)).toMatch(/^::notice::20 more/);
  });

  test('a task’s name gives no commands of its own', () => {
    const [line, ...more] = githubAnnotations(hostile);
    expect(more).toEqual([]);
    expect(line).not.toMatch(/[\r\n]/);
    expect(line).toMatch(/^::error file=a b%2Cc%3Ad%25\.jsonl,line=1,title=[^:,]*::[^\n]*$/);
  });
});

describe('summary', () => {
  test('says what was solved, what it cost and what is open', () => {
    const markdown = markdownSummary(result, report);
    expect(markdown).toContain('## ACRouter: 1 of 8 tasks solved');
    expect(markdown).toContain('| unknown of $1.000 and 2 calls of unknown cost | – | 9 | 1 min 0 s |');
    expect(markdown).toContain('| over\\-budget | over-budget |');
  });

  test('others’ text makes no tables, links, mentions or HTML', () => {
    const markdown = markdownSummary(hostile, report);
    expect(markdown).not.toMatch(/<|@team|\]\(|`|::error/);
    const row = markdown.split('\n').find((l) => l.includes('pwned') && l.startsWith('|'));
    expect(row?.match(/\|/g)).toHaveLength(4);
  });
});
