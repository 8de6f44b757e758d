import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { parse } from 'yaml';
import { addTasks, OpenAiServer } from './openai-server';
import { ROOT, Stack, type Ran } from './stack';

/**
 * Pipelines against a real stack on Redis: the GitHub Action's own entry point, the GitLab template's script and the
 * Jenkins example's, each with the variables that its system sets.
 */
let server: OpenAiServer;
let stack: Stack;
let key = '';
let db: Client;

beforeAll(async () => {
  server = await OpenAiServer.start({ delayMs: 500 });
  stack = await Stack.start(poolOf(server.baseUrl), { queue: 'redis' });
  db = new Client({ connectionString: stack.state.databaseUrl });
  await db.connect();
  key = await newKey('pipelines');
  mkdirSync(join(stack.dir, 'bin'));
  writeFileSync(
    join(stack.dir, 'bin/acr'),
    `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, 'apps/cli/bin/acr.mjs')}" "$@"\n`,
  );
  chmodSync(join(stack.dir, 'bin/acr'), 0o755);
}, 120_000);
afterAll(async () => {
  await db?.end();
  await stack?.stop();
  await server?.stop();
}, 60_000);

/** Dear models: a call of `right` costs about $0.02 and reserves about $0.04, one of `wrong` half of that. */
function poolOf(baseUrl: string): string {
  const model = (id: string, input: number, output: number) =>
    `  - { id: ${id}, provider: openai-compatible, baseUrl: "${baseUrl}", price: { inputPerMillion: ${input}, outputPerMillion: ${output} }, limits: { timeoutMs: 20000, maxOutputTokens: 30 } }\n`;
  return `models:\n${model('wrong', 10, 500)}${model('right', 20, 1000)}strongest: right\n`;
}

async function newKey(tenant: string): Promise<string> {
  const made = await stack.acr('keys', 'create', '--tenant', tenant, '--scopes', 'submit,read');
  expect(made).toMatchObject({ code: 0 });
  return made.stdout.trim();
}

async function count(sql: string, ...values: unknown[]): Promise<number> {
  return Number((await db.query<{ n: string }>(sql, values)).rows[0]?.n);
}

/** A folder as a pipeline's checkout. */
function checkout(name: string, tasks: string): string {
  const dir = join(stack.dir, name);
  mkdirSync(join(dir, 'ci'), { recursive: true });
  writeFileSync(join(dir, 'ci/tasks.jsonl'), tasks);
  return dir;
}

/** A job: a shell that a pipeline system started in a checkout, in a process group of its own. */
function startJob(script: string, cwd: string, env: Record<string, string>) {
  const child = spawn('bash', ['-eo', 'pipefail', '-c', script], {
    cwd,
    env: {
      PATH: `${join(stack.dir, 'bin')}:${process.env.PATH}`,
      ACR_URL: stack.state.url,
      ACR_API_KEY: key,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<Ran>((done) => child.on('close', (code) => done({ code, stdout, stderr })));
  return { ended, cutOff: () => process.kill(-(child.pid ?? 0), 'SIGKILL') };
}

const read = (dir: string, file: string) => readFileSync(join(dir, file), 'utf8');

describe('the GitHub Action', () => {
  interface Action {
    inputs: Record<string, { default?: string; required?: boolean }>;
    runs: { steps: { id?: string; run?: string; env?: Record<string, string> }[] };
  }
  const action = parse(readFileSync(join(ROOT, 'action.yml'), 'utf8')) as Action;
  const step = action.runs.steps.find((s) => s.id === 'acr');

  /** Fills in `${{ inputs.x }}` as GitHub does. */
  function envOf(inputs: Record<string, string>): Record<string, string> {
    const value = (name: string) => {
      const input = action.inputs[name];
      if (!input) throw new Error(`action.yml has no input ${name}`);
      return inputs[name] ?? input.default ?? '';
    };
    const filled = Object.entries(step?.env ?? {}).map(([name, text]) => [
      name,
      text.replaceAll(/\$\{\{ inputs\.([\w-]+) \}\}/g, (_, input: string) => value(input)),
    ]);
    return Object.fromEntries(filled) as Record<string, string>;
  }

  test('hands every input to its entry point', () => {
    const used = JSON.stringify(step?.env);
    for (const name of Object.keys(action.inputs)) expect(used).toContain(`inputs.${name} }}`);
    expect(step?.run).not.toContain('inputs.');
  });

  test('a job of 20 tasks that is cut off and run again ends right, and nothing ran twice', async () => {
    const never = {
      id: 'never',
      prompt: 'Write a function add_99 that takes a number and returns it plus 99.',
      language: 'python',
      dimension: 'code_generation',
      verification: { tests: 'assert add_99(1) == 0' },
      maxAttempts: 2,
    };
    const dir = checkout('github', `${addTasks(19)}\n${JSON.stringify(never)}\n`);
    const env = {
      ...envOf({ tasks: 'ci/tasks.jsonl', url: stack.state.url, 'api-key': key, timeout: '5m' }),
      GITHUB_ACTIONS: 'true',
      GITHUB_ACTION_PATH: ROOT,
      GITHUB_REPOSITORY: 'o/r',
      GITHUB_SHA: 'a'.repeat(40),
      GITHUB_WORKFLOW: 'tests',
      GITHUB_JOB: 'tasks',
      GITHUB_RUN_ATTEMPT: '1',
      GITHUB_OUTPUT: join(dir, 'output'),
      GITHUB_STEP_SUMMARY: join(dir, 'summary.md'),
    };
    const settled = () =>
      count(`select count(*) n from tasks where tenant_id = 'pipelines' and settled_at is not null`);

    const first = startJob(step?.run ?? '', dir, env);
    for (let i = 0; (await settled()) < 3; i++) {
      expect(i).toBeLessThan(600);
      await sleep(50);
    }
    first.cutOff();
    expect((await first.ended).code).toBeNull();
    expect(await settled()).toBeLessThan(20);

    const second = await startJob(step?.run ?? '', dir, { ...env, GITHUB_RUN_ATTEMPT: '2' }).ended;
    expect(second).toMatchObject({ code: 1 });

    const ids = [...read(dir, 'output').matchAll(/^run-id=(.+)$/gm)].map((m) => m[1]);
    expect(new Set(ids).size).toBe(1);
    expect(read(dir, 'output')).toContain('exit-code=1');
    expect(second.stdout).toMatch(
      /^::error file=ci\/tasks.jsonl,line=21,title=never%3A unsolved::Not solved after 2 /m,
    );
    expect(second.stdout.match(/^::(error|warning|notice)/gm)).toHaveLength(1);
    const junit = read(dir, 'acr-junit.xml');
    expect(junit).toContain('tests="20" failures="1" errors="0" skipped="0"');
    expect(junit.match(/<testcase /g)).toHaveLength(20);
    const sarif = JSON.parse(read(dir, 'acr.sarif')) as { runs: { results: { ruleId: string }[] }[] };
    expect(sarif.runs[0]?.results.map((r) => r.ruleId)).toEqual(['acr/unsolved']);
    expect(read(dir, 'acr-summary.md')).toBe(
      read(dir, 'summary.md').slice(-read(dir, 'acr-summary.md').length),
    );
    expect(read(dir, 'summary.md')).toContain('## ACRouter: 19 of 20 tasks solved');
    const answers = read(dir, 'acr-answers.jsonl')
      .trim()
      .split('\n')
      .map((l) => JSON.parse(l) as { answer: string });
    expect(answers).toHaveLength(20);
    expect(answers.every((a) => a.answer.includes('def add_'))).toBe(true);

    expect(await count(`select count(*) n from runs where tenant_id = 'pipelines'`)).toBe(1);
    expect(await count(`select count(*) n from tasks where tenant_id = 'pipelines'`)).toBe(20);
    const attempts = await count(
      `select count(*) n from attempts a join tasks t on t.id = a.task_id where t.tenant_id = 'pipelines'`,
    );
    expect(
      await count(`select count(*) n from ledger where tenant_id = 'pipelines' and state = 'settled'`),
    ).toBe(attempts);
    expect(server.calls).toBe(attempts);
  }, 300_000);

  test('a wait that is out of time says so, and the job run again gets the result', async () => {
    const dir = checkout('late', addTasks(2));
    const inputs = { tasks: 'ci/tasks.jsonl', url: stack.state.url, 'api-key': key };
    const github = {
      GITHUB_ACTIONS: 'true',
      GITHUB_ACTION_PATH: ROOT,
      GITHUB_REPOSITORY: 'o/r',
      GITHUB_SHA: 'b',
      GITHUB_JOB: 'late',
    };
    const run = (timeout: string) =>
      startJob(step?.run ?? '', dir, { ...envOf({ ...inputs, timeout }), ...github }).ended;
    expect(await run('0.01s')).toMatchObject({ code: 124 });
    expect(await run('2m')).toMatchObject({ code: 0 });
    expect(read(dir, 'acr-junit.xml')).toContain('tests="2" failures="0" errors="0"');
    const report = async (junit: string, timeout: string) =>
      (await startJob(step?.run ?? '', dir, { ...envOf({ ...inputs, timeout, junit }), ...github }).ended)
        .code;
    expect(await report('reports/acr/junit.xml', '2m')).toBe(0);
    expect(read(dir, 'reports/acr/junit.xml')).toContain('tests="2"');
    // A report that cannot be written fails a job that went well, and hides nothing of one that did not.
    expect(await report('ci', '2m')).toBe(2);
    expect(await report('ci', '0.001s')).toBe(124);
  }, 180_000);
});

test('the GitLab template: exit 0 when all is solved', async () => {
  const template = parse(readFileSync(join(ROOT, 'examples/ci/gitlab-ci.yml'), 'utf8')) as {
    '.acrouter': { script: string[]; variables: Record<string, string> };
  };
  const { script, variables } = template['.acrouter'];
  const dir = checkout('gitlab', addTasks(3));
  const env = {
    GITLAB_CI: 'true',
    CI_PROJECT_PATH: 'g/p',
    CI_COMMIT_SHA: 'c'.repeat(40),
    CI_JOB_NAME: 'coding-tasks',
  };
  expect(await startJob(script.join('\n'), dir, { ...variables, ...env }).ended).toMatchObject({ code: 0 });
  expect(read(dir, 'acr-junit.xml')).toContain('tests="3" failures="0" errors="0"');
  expect(read(dir, 'acr-summary.md')).toContain('3 of 3 tasks solved');
  const other = await startJob('acr ci submit ci/tasks.jsonl', checkout('gitlab', addTasks(2)), env).ended;
  expect(other).toMatchObject({ code: 2 });
  expect(other.stderr).toContain('--job');
}, 180_000);

test('the Jenkins example: exit 4 when the budget does not allow the work', async () => {
  const script =
    /sh '''([^']*)'''/.exec(readFileSync(join(ROOT, 'examples/ci/Jenkinsfile'), 'utf8'))?.[1] ?? '';
  const dir = checkout('jenkins', addTasks(3));
  const env = {
    JENKINS_URL: 'http://j',
    GIT_URL: 'https://h/r.git',
    GIT_COMMIT: 'd',
    JOB_NAME: 'j',
    ACR_MAX_COST_USD: '0.0001',
  };
  expect(await startJob(script, dir, env).ended).toMatchObject({ code: 4 });
  expect(read(dir, 'acr-junit.xml')).toContain('type="over-budget"');
}, 180_000);

test('a wrong key is wrong input, and a gateway that is away is said to be away', async () => {
  const dir = checkout('wrong', addTasks(1));
  const job = { ACR_CI_REPOSITORY: 'r', ACR_CI_COMMIT: 'c', ACR_CI_JOB: 'j' };
  const submit = (env: Record<string, string>) =>
    startJob('acr ci submit ci/tasks.jsonl', dir, { ...job, ...env }).ended;
  const wrong = await submit({ ACR_API_KEY: `${key.slice(0, -3)}AAA` });
  expect(wrong).toMatchObject({ code: 2 });
  expect(wrong.stderr).toContain('ACR_UNAUTHENTICATED');
  expect(await submit({ ACR_URL: 'http://127.0.0.1:9' })).toMatchObject({ code: 3 });
}, 60_000);

test('keys are listed without their secrets, and a revoked one is refused', async () => {
  const made = await newKey('other');
  const prefix = made.split('_')[1] ?? '';
  const job = { ACR_CI_REPOSITORY: 'r', ACR_CI_COMMIT: 'c', ACR_CI_JOB: 'revoked', ACR_API_KEY: made };
  const submit = () => startJob('acr ci submit ci/tasks.jsonl', checkout('revoked', addTasks(1)), job).ended;
  expect(await submit()).toMatchObject({ code: 0 });
  const listed = await stack.acr('keys', 'list', '--json');
  expect(listed.stdout).toContain(`"prefix":"${prefix}","tenantId":"other"`);
  expect(listed.stdout).not.toContain(made.slice(-43));
  expect(await stack.acr('keys', 'revoke', prefix)).toMatchObject({ code: 0 });
  await sleep(2_000);
  expect(await submit()).toMatchObject({ code: 2 });
  expect((await stack.acr('keys', 'list', '--tenant', 'other')).stdout).toContain('revoked');
  expect(await stack.acr('keys', 'revoke', 'none')).toMatchObject({ code: 2 });
}, 60_000);

test('a limit or a weight for a tenant that has no key says so: the name may be mistyped', async () => {
  for (const args of [
    ['budgets', 'set', 'pipelinse', '1'],
    ['tenants', 'set-weight', 'pipelinse', '2'],
  ]) {
    const mistyped = await stack.acr(...args);
    expect(mistyped).toMatchObject({ code: 0 });
    expect(mistyped.stderr).toContain('Tenant pipelinse has no key yet');
  }
  const known = await stack.acr('tenants', 'set-weight', 'pipelines', '2');
  expect(known.stderr).not.toContain('no key');
  expect(await stack.acr('budgets', 'remove', 'pipelinse')).toMatchObject({ code: 0 });
}, 60_000);

test('50 parallel submitters on a tenant’s budget of $1.00 never pass it', async () => {
  expect(await stack.acr('budgets', 'set', 'team', '1.00')).toMatchObject({ code: 0 });
  const headers = { authorization: `Bearer ${await newKey('team')}`, 'content-type': 'application/json' };
  const submit = async (n: number) => {
    const lines = addTasks(2 * n + 2)
      .trim()
      .split('\n')
      .slice(-2);
    const body = `{"tasks":[${lines.join(',')}]}`;
    return (await fetch(`${stack.state.url}/v1/runs`, { method: 'POST', headers, body })).status;
  };
  const statuses = await Promise.all(Array.from({ length: 50 }, (_, n) => submit(n)));
  expect(statuses.every((s) => s === 202)).toBe(true);

  const drawn = `select (spent_usd + held_usd)::float8 n from budgets where scope = 'tenant' and scope_id = 'team'`;
  const open = `select count(*) n from tasks where tenant_id = 'team' and settled_at is null`;
  let most = 0;
  let samples = 0;
  for (
    const deadline = Date.now() + 150_000;
    (await count(open)) > 0 && Date.now() < deadline;
    await sleep(20)
  ) {
    most = Math.max(most, await count(drawn));
    samples++;
  }
  expect(await count(open)).toBe(0);
  expect(samples).toBeGreaterThan(20);
  expect(most).toBeLessThanOrEqual(1);
  // What was really spent, by the ledger, is what the budget says; and the budget mattered.
  const spent = await count(`select sum(cost_usd)::float8 n from ledger where tenant_id = 'team'`);
  expect(await count(drawn)).toBeCloseTo(spent, 9);
  expect(spent).toBeGreaterThan(0.8);
  expect(spent).toBeLessThanOrEqual(1);
  const overBudget = await count(
    `select count(*) n from tasks where tenant_id = 'team' and outcome = 'over-budget'`,
  );
  expect(overBudget).toBeGreaterThan(0);
  process.stdout.write(
    `spent $${spent.toFixed(4)}, at most $${most.toFixed(4)} drawn, ${overBudget} of 100 tasks over budget\n`,
  );
}, 240_000);
