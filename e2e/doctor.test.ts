import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acr, ROOT, run, type Ran } from './stack';

interface Finding {
  check: string;
  status: string;
  detail: string;
  remedy: string;
}

jest.setTimeout(120_000);

let dir: string;
let server: Server | null = null;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'acr-doctor-'));
});
afterEach(() => {
  server?.close();
  server = null;
  rmSync(dir, { recursive: true, force: true });
});

/** A server that knows one key and refuses every other. */
async function serve(): Promise<number> {
  const made = createServer((_request, response) => {
    response.writeHead(401, { 'content-type': 'application/json' });
    response.end('{"error":{"message":"bad key"}}');
  });
  server = made;
  await new Promise<void>((done) => made.listen(0, '127.0.0.1', done));
  return (made.address() as AddressInfo).port;
}

function findingsOf(ran: Ran): Finding[] {
  return (JSON.parse(ran.stdout) as { findings: Finding[] }).findings;
}

const problems = (ran: Ran): Finding[] => findingsOf(ran).filter((f) => f.status === 'problem');

const isRoot = process.getuid?.() === 0;
/** Whether this account may make mounts in a namespace of its own, which some containers forbid even to root. */
const mayMount = isRoot && spawnSync('unshare', ['-m', 'true']).status === 0;
const note = (text: string) => process.stderr.write(`left out: ${text}\n`);

/** `acr doctor` in a mount namespace of its own, after a shell command that changes the machine there. */
function doctorAfter(change: string, ...args: string[]): Promise<Ran> {
  const script = `${change} && exec "$@"`;
  const command = [process.execPath, join(ROOT, 'apps/cli/bin/acr.mjs'), 'doctor', '--json', ...args];
  return run('unshare', ['-m', 'sh', '-c', script, 'sh', ...command], dir);
}

test('a taken port: by whom, and how to choose another', async () => {
  const port = await serve();
  const ran = await acr(['doctor', '--json', '--port', String(port)], dir);
  expect(ran.code).toBe(1);
  const finding = problems(ran).find((f) => f.check === `port ${port}`);
  expect(finding?.detail).toContain(`pid ${process.pid}`);
  expect(finding?.remedy).toContain('--port');
});

test('a wrong key and a missing one are named by their variables; the keys are shown nowhere', async () => {
  const port = await serve();
  const model = (id: string, key: string) =>
    `  - { id: ${id}, provider: openai-compatible, baseUrl: "http://127.0.0.1:${port}/v1", apiKeyEnv: ${key}, price: { inputPerMillion: 1, outputPerMillion: 1 } }\n`;
  writeFileSync(
    join(dir, 'models.yaml'),
    `models:\n${model('a', 'ACR_E2E_WRONG')}${model('b', 'ACR_E2E_MISSING')}`,
  );
  const ran = await acr(['doctor', '--json', '--port', '0'], dir, { ACR_E2E_WRONG: 'sk-wrong' });
  expect(ran.code).toBe(1);
  const [a, b] = ['model a', 'model b'].map((check) => problems(ran).find((f) => f.check === check));
  expect(a?.remedy).toMatch(/key in ACR_E2E_WRONG is wrong/);
  expect(b?.remedy).toMatch(/Set the environment variable ACR_E2E_MISSING/);
  expect(ran.stdout + ran.stderr).not.toContain('sk-wrong');
});

test('a database and a queue that are not there: where to look', async () => {
  const ran = await acr(
    ['doctor', '--json', '--port', '0', '--offline', '--database-url', 'postgres://127.0.0.1:9/x'],
    dir,
  );
  expect(problems(ran).find((f) => f.check === 'Postgres')).toMatchObject({
    detail: expect.stringContaining('ECONNREFUSED'),
    remedy: expect.stringContaining('--database-url'),
  });
});

test('a full disk: which folder, and what to do', async () => {
  if (!mayMount) return note('full disk (needs root and mounts)');
  mkdirSync(join(dir, 'full'));
  const fill =
    'mount -t tmpfs -o size=64k tmpfs full && dd if=/dev/zero of=full/x bs=1k count=64 2>/dev/null; true';
  const ran = await doctorAfter(fill, '--port', '0', '--data-dir', 'full/.acr');
  expect(ran.code).toBe(1);
  const finding = problems(ran).find((f) => f.check === 'data folder');
  expect(finding?.detail).toMatch(/disk that holds .*full is full/);
  expect(finding?.remedy).toMatch(/--data-dir/);
});

test('no bubblewrap: what can no longer be checked, and how to install it', async () => {
  if (!mayMount) return note('no bubblewrap (needs root and mounts)');
  const hide = 'for f in $(command -v bwrap docker podman); do mount --bind /dev/null "$f"; done';
  const ran = await doctorAfter(hide, '--port', '0');
  expect(ran.code).toBe(1);
  const finding = problems(ran).find((f) => f.check === 'sandbox bubblewrap');
  expect(finding?.detail).toContain('not installed');
  expect(finding?.remedy).toMatch(/install/);
});
