import { SANDBOX_KINDS, type SandboxProbe } from '@acrouter/sandbox/sandbox';
import { existsSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isFree } from '../stack/supervisor';
import { portOwner } from '../stack/processes';
import type { StackFile } from '../stack/stack-file';
import { ok, problem, reasonOf, warning, type Finding } from './finding';

const WANTED_NODE = 24;
/** Postgres keeps 0.5 GB of log at most, and a task with its answers takes about 20 kB. */
const COMFORTABLE_BYTES = 1_000_000_000;
/** As much as Postgres writes when it starts; a disk with less is full for our purposes. */
const PROBE_BYTES = 1_000_000;

/** The Node that runs this; `npx acr` takes the project's own. */
export function checkNode(version = process.versions.node): Finding {
  const major = Number(version.split('.')[0]);
  if (major >= WANTED_NODE) return ok('Node', `${version} at ${process.execPath}`);
  return warning(
    'Node',
    `${version} runs this, ${WANTED_NODE} is what it is made for`,
    'Run "npm ci" in the project and call it as "npx acr": that brings Node 24 with it.',
  );
}

/** Whether the data folder can be written and its disk has room. */
export function checkDisk(dataDir: string): Finding {
  // Nothing is left behind: a folder that is not there yet is judged by the one it will be made in.
  let folder = dataDir;
  while (!existsSync(folder) && folder !== dirname(folder)) folder = dirname(folder);
  const probe = join(folder, `.acr-doctor-${process.pid}`);
  try {
    writeFileSync(probe, Buffer.alloc(PROBE_BYTES));
  } catch (error) {
    return explainWriteError(folder, error as NodeJS.ErrnoException);
  } finally {
    rmSync(probe, { force: true });
  }
  const { bavail, bsize } = statfsSync(folder);
  const free = `${((bavail * bsize) / 1e9).toFixed(1)} GB free in ${folder}`;
  return bavail * bsize >= COMFORTABLE_BYTES
    ? ok('data folder', `writable, ${free}`)
    : warning('data folder', `only ${free}`, 'Free some space, or choose another folder with --data-dir.');
}

function explainWriteError(folder: string, error: NodeJS.ErrnoException): Finding {
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT')
    return problem(
      'data folder',
      `the disk that holds ${folder} is full (${error.code})`,
      `Free some space (see "df -h ${folder}"), or choose another folder with --data-dir.`,
    );
  return problem(
    'data folder',
    `${folder} cannot be written (${error.code ?? reasonOf(error)})`,
    'Change its owner or rights, or choose another folder with --data-dir.',
  );
}

/** Whether the gateway's port is free, or taken by our own stack. */
export async function checkPort(port: number, stack: StackFile | null): Promise<Finding> {
  const check = `port ${port}`;
  if (stack && new URL(stack.url).port === String(port)) return ok(check, 'used by the running stack');
  if (await isFree(port)) return ok(check, 'free');
  const owner = portOwner(port) ?? 'a program that cannot be named from this account';
  return problem(
    check,
    `taken by ${owner}`,
    'Stop that program, or start ACRouter on another port: acr up --port N (0 picks a free one).',
  );
}

/** What the sandboxes found say together: one finding per back end. */
export function judgeSandboxes(probes: readonly SandboxProbe[]): Finding[] {
  const full = probes.find((p) => p.available && p.kind !== 'quickjs');
  return [...probes]
    .sort((a, b) => SANDBOX_KINDS.indexOf(a.kind) - SANDBOX_KINDS.indexOf(b.kind))
    .map((p) => {
      const check = `sandbox ${p.kind}`;
      if (p.available) return ok(check, p.detail || 'works');
      if (full) return ok(check, `not used: ${p.detail}`);
      if (p.kind !== 'bubblewrap') return warning(check, p.detail, p.remedy);
      const consequence = 'so only JavaScript can be checked';
      return problem(check, `${p.detail}, ${consequence}`, p.remedy);
    });
}
