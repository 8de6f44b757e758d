import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Where this process may make control groups: one root per controller on v1, one for all on v2. */
export type CgroupHome =
  | { version: 1; memory: string | null; pids: string | null; cpu: string | null }
  | { version: 2; root: string };

/** Control group of one run. */
export interface Cgroup {
  /** Moves a process in; its later children follow. `false`: it is not in, and nothing limits it. */
  add(pid: number): boolean;
  /** Processes the kernel killed for memory so far. */
  oomKills(): number;
  /** Times a fork was refused for the process limit. */
  forkRefusals(): number;
  /** Removes the group; waits for its last processes to vanish. Never throws. */
  remove(): Promise<void>;
}

const MOUNT = '/sys/fs/cgroup';
const CPU_PERIOD_US = 100_000;

const read = (path: string) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};
const write = (path: string, value: string | number) => {
  try {
    writeFileSync(path, String(value));
    return true;
  } catch {
    return false;
  }
};
/** Writes a limit without which the group would be worth nothing. */
const limit = (path: string, value: string | number) => {
  if (!write(path, value)) throw new Error(`${path} cannot be written`);
};
const field = (text: string, name: string) => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)?.[1] ?? 0);

/** Tries to make and remove a group below `parent`. */
function writable(parent: string): boolean {
  const probe = join(parent, `acr-probe-${process.pid}`);
  try {
    mkdirSync(probe);
    rmdirSync(probe);
    return true;
  } catch {
    return false;
  }
}

/** This process's own path under a controller (`/proc/self/cgroup`), so that an outer limit keeps holding. */
function ownPath(controller: string): string {
  const line = read('/proc/self/cgroup')
    .split('\n')
    .find(
      (l) => l.split(':')[1]?.split(',').includes(controller) || (controller === '' && l.startsWith('0::')),
    );
  return line?.split(':').slice(2).join(':') ?? '/';
}

function homeV1(controller: string): string | null {
  const own = join(MOUNT, controller, ownPath(controller));
  return existsSync(own) && writable(own) ? own : null;
}

/** Finds writable control groups; `null` where there are none (then limits hold per process only). */
export function findCgroupHome(): CgroupHome | null {
  if (existsSync(join(MOUNT, 'cgroup.controllers'))) {
    const root = join(MOUNT, ownPath(''));
    const delegated = read(join(root, 'cgroup.subtree_control'));
    return delegated.includes('memory') && writable(root) ? { version: 2, root } : null;
  }
  const home = { version: 1 as const, memory: homeV1('memory'), pids: homeV1('pids'), cpu: homeV1('cpu') };
  return home.memory || home.pids ? home : null;
}

/** Removes a group that never had a process. */
function removeNow(path: string): void {
  if (existsSync(path)) rmdirSync(path);
}

/** Removes an emptied group; processes that are still dying hold it for a few ms. */
async function removeGroup(path: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    try {
      rmdirSync(path);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      for (const pid of read(join(path, 'cgroup.procs')).split('\n').filter(Boolean)) {
        try {
          process.kill(Number(pid), 'SIGKILL');
        } catch {
          continue;
        }
      }
      await new Promise((resolve) => setTimeout(resolve, tries < 20 ? 2 : 25));
    }
  }
}

function createV1(
  home: Extract<CgroupHome, { version: 1 }>,
  name: string,
  memoryBytes: number,
  pids: number,
  cpus: number,
): Cgroup {
  const groups = [home.memory, home.pids, home.cpu].flatMap((parent) => (parent ? [join(parent, name)] : []));
  for (const group of groups) mkdirSync(group);
  const memory = home.memory && join(home.memory, name);
  const pidsGroup = home.pids && join(home.pids, name);
  if (memory) {
    limit(join(memory, 'memory.limit_in_bytes'), memoryBytes);
    write(join(memory, 'memory.memsw.limit_in_bytes'), memoryBytes);
    write(join(memory, 'memory.swappiness'), 0);
  }
  if (pidsGroup) limit(join(pidsGroup, 'pids.max'), pids);
  if (home.cpu) {
    write(join(home.cpu, name, 'cpu.cfs_period_us'), CPU_PERIOD_US);
    write(join(home.cpu, name, 'cpu.cfs_quota_us'), Math.round(CPU_PERIOD_US * cpus));
  }
  return {
    add: (pid) => groups.map((group) => write(join(group, 'cgroup.procs'), pid)).every(Boolean),
    oomKills: () => (memory ? field(read(join(memory, 'memory.oom_control')), 'oom_kill') : 0),
    forkRefusals: () => (pidsGroup ? field(read(join(pidsGroup, 'pids.events')), 'max') : 0),
    remove: async () => {
      await Promise.all(groups.map(removeGroup));
    },
  };
}

function createV2(root: string, name: string, memoryBytes: number, pids: number, cpus: number): Cgroup {
  const group = join(root, name);
  mkdirSync(group);
  limit(join(group, 'memory.max'), memoryBytes);
  write(join(group, 'memory.swap.max'), 0);
  write(join(group, 'memory.oom.group'), 1);
  write(join(group, 'pids.max'), pids);
  write(join(group, 'cpu.max'), `${Math.round(CPU_PERIOD_US * cpus)} ${CPU_PERIOD_US}`);
  return {
    add: (pid) => write(join(group, 'cgroup.procs'), pid),
    oomKills: () => field(read(join(group, 'memory.events')), 'oom_kill'),
    forkRefusals: () => field(read(join(group, 'pids.events')), 'max'),
    remove: () => removeGroup(group),
  };
}

/**
 * Makes the control group of one run: `memoryBytes` for all its processes and files together, at most `pids`
 * processes and threads, at most `cpus` cores' worth of time.
 * @throws Error when a limit cannot be set; nothing is left behind then.
 */
export function createCgroup(
  home: CgroupHome,
  name: string,
  limits: { memoryBytes: number; pids: number; cpus: number },
): Cgroup {
  try {
    return home.version === 1
      ? createV1(home, name, limits.memoryBytes, limits.pids, limits.cpus)
      : createV2(home.root, name, limits.memoryBytes, limits.pids, limits.cpus);
  } catch (error) {
    for (const parent of parentsOf(home)) removeNow(join(parent, name));
    throw error;
  }
}

const parentsOf = (home: CgroupHome) =>
  (home.version === 1 ? [home.memory, home.pids, home.cpu] : [home.root]).filter((path) => path !== null);

/** Removes groups that an earlier process of ours left when it was killed. `alive` says whether a pid exists. */
export async function sweepCgroups(home: CgroupHome, alive: (pid: number) => boolean): Promise<void> {
  for (const parent of parentsOf(home)) {
    const stale = readdirSync(parent).filter((name) => {
      const pid = /^acr-(\d+)-/.exec(name)?.[1];
      return pid !== undefined && !alive(Number(pid));
    });
    await Promise.all(stale.map((name) => removeGroup(join(parent, name))));
  }
}
