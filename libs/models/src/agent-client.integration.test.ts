import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseModelsFile } from '@acrouter/config/models-file';
import { applyEdits } from '@acrouter/domain/verification/edits';
import { REPOSITORY_ARCHIVE } from '@acrouter/domain/verification/repository-archive';
import { createAgentClient } from './agent-client';
import type { CompletionResult, Workspace } from './model-client';

/** Real programs stand in for the agents. */
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'acr-agents-test-'));
  process.env['ACR_TEST_AGENT_KEY'] = 'sk-very-secret-key';
});
afterAll(() => {
  delete process.env['ACR_TEST_AGENT_KEY'];
  rmSync(folder, { recursive: true, force: true });
});

let n = 0;
function client(script: string, more = '', timeoutMs = 20_000) {
  const command = join(folder, `agent-${++n}`);
  writeFileSync(command, `#!/bin/sh\n${script}\n`);
  chmodSync(command, 0o755);
  const yaml = `models: [{ id: it, provider: cli, agent: custom, command: ${command}, env: [ACR_TEST_AGENT_KEY], price: { maxCallUsd: 2 }, limits: { timeoutMs: ${timeoutMs} }${more} }]`;
  const [entry] = parseModelsFile(yaml, 'models.yaml', process.env).models;
  return createAgentClient(entry!, entry!.agent!);
}
const ask = (script: string, workspace?: Workspace, more?: string, timeoutMs?: number) =>
  client(script, more, timeoutMs).complete(
    { prompt: 'Do it.', maxOutputTokens: 10, workspace },
    new AbortController().signal,
  );
const FILES = { 'src/a.js': 'one\ntwo\nthree\n', 'test.js': 'check\n' };
const edit: Workspace = {
  files: FILES,
  edits: ['src/a.js'],
  answerFile: 'answer.js',
  language: 'javascript',
};
const textOf = (result: CompletionResult) => (result.kind === 'answered' ? result.text : result.message);
const leftOvers = (pid = process.pid) =>
  readdirSync(tmpdir()).filter((name) => name.startsWith(`acr-agent-${pid}-`));
const isAlive = (pid: number) =>
  existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
async function gone(pid: number) {
  for (let i = 0; i < 400 && isAlive(pid); i++) await sleep(25);
  return !isAlive(pid);
}

describe('the answer', () => {
  test('is the diff of the files that may change, and applies to them', async () => {
    const result = await ask(
      `sed -i s/two/2/ src/a.js; echo cheat > test.js; echo x > new.js; git add -A; git commit -qm mine
       echo '{"text":"done","costUsd":0.5,"inputTokens":7,"outputTokens":3}'`,
      edit,
    );
    expect(result).toMatchObject({
      kind: 'answered',
      costUsd: 0.5,
      usage: { inputTokens: 7, outputTokens: 3 },
      finishReason: 'stop',
    });
    expect(textOf(result)).not.toContain('test.js');
    expect(applyEdits(textOf(result), { 'src/a.js': FILES['src/a.js'] })).toEqual({
      kind: 'edited',
      files: { 'src/a.js': 'one\n2\nthree\n' },
    });
    expect(leftOvers()).toEqual([]);
  });

  test('sees the whole repository of the task, without settings that would be run', async () => {
    const repository = join(folder, 'repository');
    mkdirSync(join(repository, 'lib/.git'), { recursive: true });
    writeFileSync(join(repository, 'lib/b.js'), 'b\n');
    writeFileSync(join(repository, 'lib/.git/config'), 'x');
    const archive = execFileSync('tar', ['-czf', '-', '-C', repository, '.']).toString('base64');
    const files = { ...FILES, [REPOSITORY_ARCHIVE]: archive, '.git/hooks/pre-commit': '#!/bin/sh\nexit 1\n' };
    const result = await ask(
      `cat lib/b.js >> src/a.js; ls -a lib >> src/a.js; git log --format=%s >> src/a.js`,
      { ...edit, files },
    );
    const edited = applyEdits(textOf(result), { 'src/a.js': FILES['src/a.js'] });
    expect(edited).toEqual({
      kind: 'edited',
      files: { 'src/a.js': 'one\ntwo\nthree\nb\n.\n..\nb.js\nThe task\n' },
    });
  });

  test('is not written through a link of the archive', async () => {
    const repository = join(folder, 'linked');
    mkdirSync(repository);
    execFileSync('ln', ['-s', folder, join(repository, 'src')]);
    const archive = execFileSync('tar', ['-czf', '-', '-C', repository, '.']).toString('base64');
    const result = await ask('true', { ...edit, files: { ...FILES, [REPOSITORY_ARCHIVE]: archive } });
    expect(result).toMatchObject({ kind: 'failed', failure: 'refused', mayHaveBeenBilled: false });
    expect(existsSync(join(folder, 'a.js'))).toBe(false);
    expect(leftOvers()).toEqual([]);
  });

  test('without files to change is the program that was written, else what was said', async () => {
    const program: Workspace = { files: {}, edits: [], answerFile: 'answer.py', language: 'python' };
    expect(textOf(await ask('echo "x = 1" > answer.py', program))).toBe('```python\nx = 1\n```\n');
    expect(textOf(await ask('echo "said"', program))).toBe('said');
    expect(textOf(await ask('cat', program))).toContain('Do it.');
  });

  test('of an agent that changed nothing is judged as it is: nothing', async () => {
    const result = await ask('true', edit);
    expect(result).toMatchObject({ kind: 'answered', costUsd: null, usage: null });
    expect(applyEdits(textOf(result), { 'src/a.js': FILES['src/a.js'] }).kind).toBe('rejected');
  });

  test('that is larger than an answer may be is none', async () => {
    const result = await ask('yes 0123456789012345678901234567890 | head -c 5000000 > src/a.js', edit);
    expect(textOf(result)).toBe('The agent changed more than an answer may hold.');
  });
});

describe('money', () => {
  test('is a flat price where one is given, by tokens where those are priced, else unknown', async () => {
    const says = (line: string) => `echo '${line}'`;
    const tokens = '{"inputTokens":7,"outputTokens":3}';
    expect(await ask(says(tokens))).toMatchObject({ costUsd: null, usage: { inputTokens: 7 } });
    const priced = 'models: [{ id: it, provider: cli, agent: custom, command: COMMAND, price: PRICE }]';
    for (const [price, costUsd] of [
      ['{ perCallUsd: 0.25 }', 0.25],
      ['{ maxCallUsd: 1, inputPerMillion: 1, outputPerMillion: 2 }', undefined],
    ] as const) {
      const command = join(folder, `priced-${++n}`);
      writeFileSync(command, `#!/bin/sh\n${says(tokens)}\n`, { mode: 0o755 });
      const yaml = priced.replace('COMMAND', command).replace('PRICE', price);
      const [entry] = parseModelsFile(yaml, 'models.yaml', {}).models;
      const request = { prompt: 'x', maxOutputTokens: 1 };
      const result = await createAgentClient(entry!, entry!.agent!).complete(
        request,
        new AbortController().signal,
      );
      expect(result).toMatchObject({ kind: 'answered', usage: { inputTokens: 7, outputTokens: 3 } });
      expect((result as { costUsd?: number }).costUsd).toBe(costUsd);
    }
  });
});

describe('what it can reach', () => {
  test('are the variables that are named, a home of its own, and no secret comes back', async () => {
    process.env['ACR_TEST_OTHER_SECRET'] = 'other';
    const said = textOf(await ask('env; echo key=$ACR_TEST_AGENT_KEY'));
    delete process.env['ACR_TEST_OTHER_SECRET'];
    expect(said).toContain('key=[ACR_TEST_AGENT_KEY]');
    expect(said).not.toMatch(/sk-very-secret-key|OTHER_SECRET/);
    const names = said.split('\n').flatMap((line) => /^([A-Za-z_]+)=/.exec(line)?.[1] ?? []);
    const ours = [
      'PATH',
      'HOME',
      'TMPDIR',
      'LANG',
      'TERM',
      'NO_COLOR',
      'CI',
      'ACR_TEST_AGENT_KEY',
      'ACR_AGENT_CALL',
    ];
    const shell = ['PWD', 'OLDPWD', 'SHLVL', '_', 'key'];
    expect(names.filter((name) => !shell.includes(name)).sort()).toEqual([...ours].sort());
    expect(/^HOME=(.*)$/m.exec(said)?.[1]).toMatch(/acr-agent-.*\/home$/);
    expect(textOf(await ask('echo $HOME', undefined, ', home: inherit'))).toBe(process.env['HOME']);
  });
});

describe('failures', () => {
  test.each([
    [
      'a rate limit',
      'echo "429 Too Many Requests, try again in 3s" >&2; exit 1',
      { failure: 'rate-limited', retryable: true, retryAfterMs: 3_000 },
    ],
    [
      'a wrong key',
      'echo "Invalid API key: $ACR_TEST_AGENT_KEY" >&2; exit 1',
      { failure: 'auth', retryable: false, mayHaveBeenBilled: false },
    ],
    ['a crash', 'exit 3', { failure: 'broken-body', retryable: false, mayHaveBeenBilled: true }],
    ['a signal', 'kill -SEGV $$', { failure: 'broken-body' }],
    [
      'its own word',
      `echo '{"error":"Overloaded","costUsd":0}'`,
      { failure: 'server-error', mayHaveBeenBilled: false },
    ],
  ])('%s', async (_, script, expected) => {
    const result = await ask(script, edit);
    expect(result).toMatchObject({ kind: 'failed', ...expected });
    expect(textOf(result)).not.toContain('sk-very');
    expect(leftOvers()).toEqual([]);
  });

  test('a program that is not there costs nothing and says what to do', async () => {
    const yaml =
      'models: [{ id: it, provider: cli, agent: aider, command: acr-no-such-agent, price: { maxCallUsd: 2 } }]';
    const [entry] = parseModelsFile(yaml, 'models.yaml', {}).models;
    const result = await createAgentClient(entry!, entry!.agent!).complete(
      { prompt: 'x', maxOutputTokens: 1 },
      new AbortController().signal,
    );
    expect(result).toMatchObject({ failure: 'refused', mayHaveBeenBilled: false });
    expect(textOf(result)).toMatch(/acr-no-such-agent is no program on this machine: install it \(.*aider/);
  });
});

/** Starts a child in the background, one in a session of its own, writes both pids down, and waits. */
const HANGS = (pids: string) =>
  `sleep 600 & echo $! > ${pids}; setsid sleep 600 & echo $! >> ${pids}; echo ready >> ${pids}; sleep 600`;
const pidsIn = (file: string) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 0);
async function written(file: string) {
  for (let i = 0; i < 400 && !(existsSync(file) && readFileSync(file, 'utf8').includes('ready')); i++)
    await sleep(25);
  return pidsIn(file);
}

describe('the end', () => {
  test('a time limit kills everything it started', async () => {
    const pids = join(folder, 'pids-timeout');
    const result = await ask(HANGS(pids), edit, '', 4_000);
    expect(result).toMatchObject({ failure: 'timeout', retryable: false, mayHaveBeenBilled: true });
    for (const pid of pidsIn(pids)) expect(await gone(pid)).toBe(true);
    expect(leftOvers()).toEqual([]);
  });

  test('so does a cancellation', async () => {
    const pids = join(folder, 'pids-cancel');
    const stop = new AbortController();
    const running = client(HANGS(pids)).complete({ prompt: 'x', maxOutputTokens: 1 }, stop.signal);
    const started = await written(pids);
    stop.abort();
    expect(await running).toMatchObject({ failure: 'cancelled', retryable: false, mayHaveBeenBilled: true });
    expect(started).toHaveLength(2);
    for (const pid of started) expect(await gone(pid)).toBe(true);
  });

  test('an agent that ends leaves no process behind', async () => {
    const pids = join(folder, 'pids-end');
    const result = await ask(
      `sleep 600 & echo $! > ${pids}; setsid sleep 600 & echo $! >> ${pids}; echo done`,
    );
    expect(textOf(result)).toBe('done');
    for (const pid of pidsIn(pids)) expect(await gone(pid)).toBe(true);
  });

  test('an executor that is killed takes its agents with it, and the next removes their folders', async () => {
    const pids = join(folder, 'pids-killed');
    const agent = join(folder, 'hangs');
    writeFileSync(agent, `#!/bin/sh\nsleep 600 & echo $! > ${pids}; echo ready >> ${pids}; sleep 600\n`, {
      mode: 0o755,
    });
    const parent = spawn(
      process.execPath,
      [
        '-r',
        join(__dirname, '../../testing/src/run-typescript.cjs'),
        join(__dirname, 'testing-agent-child.ts'),
        agent,
      ],
      { stdio: ['ignore', 'inherit', 'inherit'] },
    );
    const started = await written(pids);
    const ended = new Promise((done) => parent.once('exit', done));
    parent.kill('SIGKILL');
    await ended;
    expect(started).toHaveLength(1);
    for (const pid of started) expect(await gone(pid)).toBe(true);
    expect(leftOvers(parent.pid)).toHaveLength(1);
    client('true');
    expect(leftOvers(parent.pid)).toEqual([]);
  });
});
