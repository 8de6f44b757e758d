import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { acr, ROOT, type Ran, type StackState } from './stack';

jest.setTimeout(120_000);

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'acr e2e ')); // a space, on purpose
  // Root's Postgres runs as nobody and would else keep its data outside of a private folder.
  chmodSync(dir, 0o755);
});
afterAll(async () => {
  await acr(['down', '--data-dir', '.acr'], dir);
  rmSync(dir, { recursive: true, force: true });
});

const run = (...args: string[]): Promise<Ran> => acr(args, dir, { ACR_DATA_DIR: join(dir, '.acr') });
const state = () =>
  JSON.parse(readFileSync(join(dir, '.acr/stack.json'), 'utf8')) as StackState & {
    pid: number;
    postgresPid: number | null;
  };

/** Processes whose command line or working folder names the test's folder. */
const processesOf = (folder: string): string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' '))
    .filter((command) => command.includes(folder));

/** The machine's own Node, where it is older than the project's: only then does `acr` start a second process. */
function olderNode(): string | null {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((f) => !f.includes('node_modules'));
  const found = folders.map((folder) => join(folder, 'node')).find((file) => existsSync(file));
  const version = found ? spawnSync(found, ['--version'], { encoding: 'utf8' }).stdout : '';
  return found && Number(/^v(\d+)/.exec(version)?.[1] ?? 99) < 24 ? found : null;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

async function eventually(holds: () => boolean, withinMs: number): Promise<boolean> {
  for (const deadline = Date.now() + withinMs; Date.now() < deadline; await sleep(100))
    if (holds()) return true;
  return holds();
}

describe('without a stack', () => {
  test('a typo is answered with what was meant', async () => {
    const ran = await run('sumbit', 'x');
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain('Did you mean submit?');
  });

  test('no stack: says how to start one, without a stack trace', async () => {
    const ran = await run('report');
    expect(ran).toMatchObject({ code: 3, stdout: '' });
    expect(ran.stderr).toMatch(/No stack runs in .*acr up --detach/);
    expect(ran.stderr).not.toMatch(/\n\s+at /);
  });

  test('a URL where nothing answers', async () => {
    const ran = await run('report', '--url', 'http://127.0.0.1:9');
    expect(ran.code).toBe(3);
    expect(ran.stderr).toContain('Nothing answers at http://127.0.0.1:9');
  });

  test('a task file with mistakes: every line is named', async () => {
    writeFileSync(join(dir, 'bad.jsonl'), '{"id":"a"}\nnot json\n');
    const ran = await run('submit', 'bad.jsonl');
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(/bad\.jsonl:1: prompt[^]*bad\.jsonl:2: not JSON/);
  });

  test('init writes a pool once and then leaves it alone', async () => {
    expect((await run('init', 'pool.yaml')).code).toBe(0);
    expect((await run('init', 'pool.yaml')).code).toBe(2);
    expect((await run('models', 'list', '--models', 'pool.yaml')).stdout).toContain(
      'simulated/claude-opus-4-6',
    );
  });

  test('wrong variables are all named before anything starts', async () => {
    const place = { ACR_DATA_DIR: join(dir, 'never') };
    const wrong = { ...place, ACR_BACKLOG_PER_TENANT: '200', ACR_SWEEP_IDLE_MS: 'soon' };
    for (const more of [[], ['--detach']]) {
      const { code, stderr } = await acr(['up', ...more, '--queue-url', 'rediss:/x'], dir, wrong);
      expect([code, stderr]).toEqual([2, expect.stringContaining('ACR_CONFIG_INVALID')]);
      for (const name of ['ACR_BACKLOG_PER_TENANT: ', 'ACR_SWEEP_IDLE_MS: ', 'ACR_QUEUE_URL: '])
        expect(stderr).toContain(name);
    }
    expect(readdirSync(dir)).not.toContain('never');
  });

  test('a pool with mistakes does not start', async () => {
    writeFileSync(join(dir, 'wrong.yaml'), 'models: [{ id: a, provider: opnai, price: {} }]\n');
    const ran = await run('up', '--detach', '--port', '0', '--models', 'wrong.yaml');
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(/wrong\.yaml:1: models\[0\]\.provider/);
  });
});

describe('with a stack on the simulated pool', () => {
  beforeAll(async () => {
    const up = await run('up', '--detach', '--port', '0', '--models', 'pool.yaml');
    if (up.code !== 0) throw new Error(up.stderr);
    const examples = readFileSync(join(ROOT, 'examples/tasks/bug_fixing.jsonl'), 'utf8').split('\n');
    writeFileSync(join(dir, 'tasks.jsonl'), examples.slice(0, 4).join('\n'));
  });

  test('a second stack in the same folder is refused', async () => {
    const ran = await run('up', '--detach', '--port', '0');
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain('A stack already runs in');
  });

  test('status tells that all is ready and that the pool is simulated', async () => {
    const ran = await run('status', '--json');
    const status = JSON.parse(ran.stdout) as {
      ready: boolean;
      services: unknown[];
      pool: { simulated: number };
    };
    expect(status).toMatchObject({ ready: true, pool: { models: 2, simulated: 2 } });
    expect(status.services).toHaveLength(5);
    expect(ran.stdout).not.toContain(new URL(state().databaseUrl).password);
  });

  test('submit, wait, report, explain: one JSON line per task in the order of the file', async () => {
    const ran = await run('submit', 'tasks.jsonl', '--wait', '--json');
    const lines = ran.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const ids = readFileSync(join(dir, 'tasks.jsonl'), 'utf8')
      .split('\n')
      .map((line) => (JSON.parse(line) as { id: string }).id);
    expect(lines.map((line) => line.id)).toEqual(ids);
    for (const line of lines) expect(line).toMatchObject({ status: 'settled', simulated: true });
    expect(ran.code).toBe(lines.every((line) => line.solved) ? 0 : 1);

    const report = JSON.parse((await run('report', '--json')).stdout) as Record<string, unknown>;
    expect(report).toMatchObject({ simulated: 'all', tasks: { total: 4, settled: 4 } });
    const explained = await run('explain', ids[0] ?? '');
    expect(explained.stdout).toMatch(/Decision 1: .*simulated\//);
  });

  test('the same key joins the first run', async () => {
    const submit = () => run('submit', 'tasks.jsonl', '--json', '--idempotency-key', 'same');
    const [first, second] = [JSON.parse((await submit()).stdout), JSON.parse((await submit()).stdout)] as {
      id: string;
    }[];
    expect(second?.id).toBe(first?.id);
  });

  test('a crashed service is started again', async () => {
    const before = state().services.find((s) => s.name === 'memory');
    process.kill(before?.pid ?? 0, 'SIGKILL');
    const restarted = () => {
      const now = state().services.find((s) => s.name === 'memory');
      return now !== undefined && now.pid !== before?.pid && now.port === before?.port;
    };
    expect(await eventually(restarted, 10_000)).toBe(true);
  });

  test('a Postgres that is killed is started again where it was, and work goes on', async () => {
    const before = state();
    process.kill(before.postgresPid ?? 0, 'SIGKILL');
    expect(await eventually(() => state().postgresPid !== before.postgresPid, 20_000)).toBe(true);
    expect(state().databaseUrl).toBe(before.databaseUrl);
    const works = async () => (await run('report', '--json')).code === 0;
    for (const deadline = Date.now() + 20_000; Date.now() < deadline && !(await works());) await sleep(200);
    expect(JSON.parse((await run('report', '--json')).stdout)).toMatchObject({ tasks: { total: 4 } });
  });

  const launcher = olderNode();
  (launcher ? test : test.skip)('a command ends with the launcher that was killed', async () => {
    const child = spawn(launcher ?? '', [join(ROOT, 'apps/cli/bin/acr.mjs'), 'up', '--port', '0'], {
      cwd: dir,
      env: { ...process.env, ACR_DATA_DIR: join(dir, 'other'), PATH: '/usr/bin:/bin' },
      stdio: 'ignore',
    });
    const working = () => processesOf(join(dir, 'other')).length > 0;
    expect(await eventually(working, 60_000)).toBe(true);
    child.kill('SIGKILL');
    expect(await eventually(() => !working(), 60_000)).toBe(true);
  });

  test('a supervisor that is killed takes everything with it, and the next one goes on', async () => {
    const postgres = join(dir, '.acr/postgres');
    expect(processesOf(postgres)).not.toEqual([]);
    process.kill(state().pid, 'SIGKILL');
    expect(await eventually(() => processesOf(postgres).length === 0, 60_000)).toBe(true);
    const again = await run('up', '--detach', '--port', '0', '--models', 'pool.yaml');
    expect(again.code).toBe(0);
    expect(JSON.parse((await run('report', '--json')).stdout)).toMatchObject({ tasks: { total: 4 } });
  });

  test('down leaves no process behind', async () => {
    const { services } = state();
    expect((await run('down')).code).toBe(0);
    expect(processesOf(dir)).toEqual([]);
    for (const { pid } of services) expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  });
});
