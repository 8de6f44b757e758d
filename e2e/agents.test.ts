import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acr, run, Stack } from './stack';

jest.setTimeout(180_000);

/**
 * Coding agents as models, through the real stack. A program stands in for Claude Code: it takes the same flags and
 * the prompt on standard input, edits the files it is told to, and prints the same JSON.
 */
const AGENT = `#!${process.execPath}
const fs = require('node:fs');
const prompt = fs.readFileSync(0, 'utf8');
const args = process.argv.slice(2);
const wanted = ['-p', '--output-format', 'json', '--permission-mode', 'acceptEdits', '--max-budget-usd', '1.5'];
if (JSON.stringify(args) !== JSON.stringify([...wanted, '--model', 'stand-in-1'])) {
  console.error('unknown option: ' + args.join(' '));
  process.exit(1);
}
if (process.env.AGENT_TEST_KEY !== 'sk-agent-test' || process.env.ACR_DATABASE_URL || process.env.ACR_OTHER) {
  console.error('wrong environment');
  process.exit(1);
}
const said = (result) =>
  console.log(JSON.stringify({ type: 'result', subtype: 'success', is_error: false, result, total_cost_usd: 0.25,
    usage: { input_tokens: 100, cache_read_input_tokens: 900, output_tokens: 50 } }));
const files = prompt.split('\\nThe task:\\n')[0].match(/^- .*$/gm)?.map((line) => line.slice(2)) ?? [];
const [path] = files;
if (!path) {
  fs.writeFileSync('answer.py', 'def add(a, b):\\n    return a + b\\n');
  said('I wrote answer.py.');
} else if (path.includes('idle')) said('I see nothing to do.');
else {
  // The whole repository is there.
  if (!fs.existsSync('test.js')) throw new Error('no test.js');
  const text = fs.readFileSync(path, 'utf8');
  fs.writeFileSync(path, text.replace('function value() {', 'const value = () => {').replace('};', path.includes('wrong') ? '' : '};'));
  fs.writeFileSync('notes.txt', 'scratch');
  said('Done.');
}
`;

const NAMES = ['one', 'two', 'three', 'wrong', 'idle'];
const before = (name: string) =>
  `'use strict';\n\nfunction value() {\n  return '${name}';\n}\n\nmodule.exports = { value };\n`;
const TESTS = `const assert = require('node:assert');
for (const name of ${JSON.stringify(NAMES)}) assert.strictEqual(require('./src/' + name + '.js').value(), name);
`;

let folder: string;
let stack: Stack;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'acr-agents-e2e-'));
  writeFileSync(join(folder, 'agent'), AGENT, { mode: 0o755 });
  const env = { AGENT_TEST_KEY: 'sk-agent-test', ACR_OTHER: 'not for agents' };
  stack = await Stack.start(
    `models:
  - id: agent
    provider: cli
    agent: claude
    command: ${join(folder, 'agent')}
    model: stand-in-1
    env: [AGENT_TEST_KEY]
    price: { maxCallUsd: 1.5 }
`,
    { env },
  );
}, 120_000);

afterAll(async () => {
  await stack?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('a refactor by an agent: its diffs are checked and merged, its cost is what it says', async () => {
  const repo = join(folder, 'repo');
  mkdirSync(join(repo, 'src'), { recursive: true });
  for (const name of NAMES) writeFileSync(join(repo, `src/${name}.js`), before(name));
  writeFileSync(join(repo, 'test.js'), TESTS);
  const git =
    'git init -q -b main . && git config user.name T && git config user.email t@t && git add . && git commit -qm one';
  expect((await run('/bin/sh', ['-c', git], repo)).code).toBe(0);
  const ran = await acr(
    [
      ...['refactor', '--url', stack.state.url, '--repo', '.', '--glob', 'src/*.js', '--json'],
      ...[
        '--instruction',
        'Make value an arrow function.',
        '--verify',
        'node test.js',
        '--max-attempts',
        '1',
      ],
    ],
    repo,
  );
  expect(ran.code).toBe(1);
  const report = JSON.parse(ran.stdout) as {
    head: string;
    costUsd: number;
    unknownCalls: number;
    files: { paths: string[]; status: string; model: string }[];
  };
  const merged = report.files.filter((f) => f.status === 'merged').map((f) => f.paths[0]);
  expect(merged.sort()).toEqual(['src/one.js', 'src/three.js', 'src/two.js']);
  expect(report.costUsd).toBeCloseTo(5 * 0.25, 9);
  const shown = await run('git', ['show', `${report.head}:src/one.js`], repo);
  expect(shown.stdout).toBe(before('one').replace('function value() {', 'const value = () => {'));
  expect((await run('git', ['status', '--porcelain'], repo)).stdout).toBe('');
});

test('a plain task by an agent: the program it wrote is the answer', async () => {
  const task = {
    id: 'add',
    prompt: 'Write a Python function add(a, b).',
    language: 'python',
    verification: { tests: 'assert add(1, 2) == 3' },
  };
  writeFileSync(join(stack.dir, 'tasks.jsonl'), `${JSON.stringify(task)}\n`);
  const ran = await stack.acr('submit', 'tasks.jsonl', '--wait', '--json');
  expect(`${ran.stdout}${ran.stderr}`).toContain('solved');
  expect(ran.code).toBe(0);
});

test('acr models and acr doctor say what is missing', async () => {
  const yaml = (command: string) =>
    `models: [{ id: agent, provider: cli, agent: claude, command: ${command}, env: [AGENT_TEST_KEY], price: { maxCallUsd: 1.5 }, model: stand-in-1 }]`;
  const pool = join(folder, 'pool.yaml');
  writeFileSync(pool, yaml('acr-no-such-agent'));
  const missing = await acr(['models', 'test', '--models', pool], folder, { AGENT_TEST_KEY: 'x' });
  expect(missing.code).toBe(1);
  expect(missing.stdout).toMatch(
    /acr-no-such-agent is no program on this machine: install it \(npm install -g/,
  );
  const doctor = await acr(['doctor', '--models', pool, '--offline'], folder, { AGENT_TEST_KEY: 'x' });
  expect(doctor.stdout).toMatch(/PROBLEM +model agent +acr-no-such-agent cannot be run/);
  writeFileSync(pool, yaml(join(folder, 'agent')));
  expect((await acr(['models', 'test', '--models', pool], folder)).stdout).toContain(
    'AGENT_TEST_KEY not set',
  );
  const there = await acr(['models', 'test', '--models', pool], folder, { AGENT_TEST_KEY: 'sk-agent-test' });
  expect(there.stdout).toMatch(/answered in \d+ ms/);
  expect(readFileSync(pool, 'utf8')).not.toContain('sk-agent');
});
