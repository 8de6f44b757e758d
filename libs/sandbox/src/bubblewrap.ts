import { execFile, type ChildProcess } from 'node:child_process';
import { accessSync, constants, existsSync, lstatSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import type { Writable } from 'node:stream';
import { runBounded, type BoundedResult } from './bounded-process';
import { bubblewrapArgs, type HostFolders } from './bubblewrap-args';
import { createCgroup, findCgroupHome, sweepCgroups, type Cgroup, type CgroupHome } from './cgroup';
import { inheritedDescriptors } from './inherited-descriptors';
import { openMountNamespace, type MountNamespace } from './mount-namespace';
import { checkRequest } from './request';
import { interpret } from './outcome';
import type { Sandbox, SandboxLanguage, SandboxProbe, SandboxRequest, SandboxResult } from './sandbox';
import { seccompFilter } from './seccomp';
import { BASE_FOLDERS, type Toolchain } from './toolchains';

const BWRAP = '/usr/bin/bwrap';
const NSENTER = '/usr/bin/nsenter';
const NOBODY = 65534;
/** First of the user ids handed out when we are root; one per run, so that two runs share nothing. */
const FIRST_UID = 1_073_741_824;
const UID_COUNT = 65_536;
const EXTRAS = ['/etc/ld.so.cache', '/etc/alternatives', '/usr/share/zoneinfo'];

let lastRun = 0;

function hostFolders(places: ReadonlyMap<string, string>): HostFolders {
  const links = ['/bin', '/lib', '/lib32', '/lib64', '/sbin'].flatMap((path) => {
    if (!existsSync(path) || path === '/sbin') return [];
    return lstatSync(path).isSymbolicLink() ? [[readlinkSync(path), path] as const] : [];
  });
  const plain = ['/bin', '/lib', '/lib32', '/lib64'].filter(
    (p) => existsSync(p) && !lstatSync(p).isSymbolicLink(),
  );
  return {
    base: [...BASE_FOLDERS.filter((p) => existsSync(p)), ...plain],
    links,
    extras: EXTRAS.filter((p) => existsSync(p)),
    places,
  };
}

/** Whether a user without rights can get to `folder`: each folder above it lets everybody pass. */
function reachable(folder: string): boolean {
  for (let path = folder; ; path = dirname(path)) {
    if ((statSync(path).mode & 0o005) !== 0o005) return false;
    if (path === dirname(path)) return true;
  }
}

/** Whether this process may become FIRST_UID (not so in a user namespace that maps few ids). */
function manyUids(): boolean {
  return readFileSync('/proc/self/uid_map', 'utf8')
    .trim()
    .split('\n')
    .some((line) => {
      const [first, , count] = line.trim().split(/\s+/).map(Number);
      return (first ?? 0) <= FIRST_UID && (first ?? 0) + (count ?? 0) > FIRST_UID + UID_COUNT;
    });
}

/** Namespaces, no privileges, read-only root, tmpfs, rlimits, seccomp, and control groups where writable. */
export class BubblewrapSandbox implements Sandbox {
  readonly kind = 'bubblewrap';
  readonly languages: ReadonlyMap<SandboxLanguage, string>;
  private readonly root = process.getuid?.() === 0;
  private readonly firstUid = this.root && manyUids() ? FIRST_UID : null;
  private readonly filter = seccompFilter(process.arch);
  private readonly leaks = inheritedDescriptors();
  private readonly host: HostFolders;

  private constructor(
    private readonly toolchains: ReadonlyMap<SandboxLanguage, Toolchain>,
    private readonly namespace: MountNamespace | null,
    readonly cgroups: CgroupHome | null,
  ) {
    this.languages = new Map([...toolchains].map(([language, { version }]) => [language, version]));
    this.host = hostFolders(namespace?.places ?? new Map());
  }

  /** Prepares what all runs share: the view of toolchains that only root can reach, and control groups. */
  static async open(toolchains: ReadonlyMap<SandboxLanguage, Toolchain>): Promise<BubblewrapSandbox> {
    const root = process.getuid?.() === 0;
    const hidden = root
      ? [...toolchains.values()].flatMap((t) => t.prefixes).filter((p) => !reachable(p))
      : [];
    const namespace = hidden.length > 0 ? await openMountNamespace([...new Set(hidden)]) : null;
    const usable = [...toolchains].filter(
      ([, t]) => !root || t.prefixes.every((p) => reachable(p) || namespace?.places.has(p)),
    );
    const cgroups = findCgroupHome();
    if (cgroups) await sweepCgroups(cgroups, (pid) => existsSync(`/proc/${pid}`));
    return new BubblewrapSandbox(new Map(usable), namespace, cgroups);
  }

  async run(request: SandboxRequest, signal?: AbortSignal): Promise<SandboxResult> {
    const { limits, files } = checkRequest(request, this.languages);
    const number = ++lastRun;
    const cgroup = this.newCgroup(number, limits.memoryBytes, limits.processes);
    const toolchain = this.toolchains.get(request.language) as Toolchain;
    const args = bubblewrapArgs(this.host, {
      toolchain,
      argv: request.argv.map((word) => (word === '{tool}' ? toolchain.program : word)),
      env: request.env ?? {},
      files: files.map(([path]) => path),
      mounts: request.mounts ?? [],
      hideProc: request.hideProc ?? false,
      limits,
      gated: cgroup !== null,
      seccomp: this.filter !== null,
    });
    const admission = new Admission(cgroup);
    try {
      const result = await runBounded(
        {
          ...this.command(number, args),
          stdin: request.stdin ?? '',
          extra: [null, null, this.filter ?? '', null, ...files.map(([, text]) => text)],
          wallMs: limits.wallMs,
          outputBytes: limits.outputBytes,
          started: (_child, [info, block, , gate]) =>
            admission.watch(info as NodeJS.ReadableStream, [block as Writable, gate as Writable]),
          kill: (child) => admission.kill(child),
        },
        signal,
      );
      return interpret(result, {
        oomKills: cgroup?.oomKills() ?? 0,
        forkRefusals: cgroup?.forkRefusals() ?? 0,
        refusal: startRefusal(result),
      });
    } finally {
      await cgroup?.remove();
    }
  }

  async close(): Promise<void> {
    this.namespace?.close();
    return Promise.resolve();
  }

  private newCgroup(number: number, memoryBytes: number, processes: number): Cgroup | null {
    if (!this.cgroups) return null;
    // Two for bubblewrap's own processes, which move in with the program.
    const limits = { memoryBytes, pids: processes + 2, cpus: Math.max(1, availableParallelism() / 2) };
    return createCgroup(this.cgroups, `acr-${process.pid}-${number}`, limits);
  }

  /** Leaves root behind, enters the namespace of hidden toolchains, closes descriptors that are not ours. */
  private command(number: number, args: string[]) {
    const id = this.firstUid === null ? NOBODY : this.firstUid + (number % UID_COUNT);
    const become = this.root ? { uid: id, gid: id } : {};
    const closing = this.leaks.map((fd) => `exec ${fd}>&-;`).join('');
    const base = closing
      ? ['/usr/bin/bash', '-c', `${closing} exec "$@"`, 'bash', BWRAP, ...args]
      : [BWRAP, ...args];
    const line = this.namespace
      ? [NSENTER, `--mount=${this.namespace.path}`, '--no-fork', '-S', `${id}`, '-G', `${id}`, '--', ...base]
      : base;
    const options = { env: {}, cwd: '/', ...(this.namespace ? {} : become) };
    return { program: line[0] as string, args: line.slice(1), options };
  }
}

/**
 * bubblewrap says which process it made: pid 1 of the new namespace. That one goes into the control group and
 * then may begin; killing it ends everything in there, which killing bubblewrap itself does not do early on.
 */
class Admission {
  private pid: number | null = null;
  private doomed = false;

  constructor(private readonly cgroup: Cgroup | null) {}

  watch(info: NodeJS.ReadableStream, gates: readonly Writable[]): void {
    let text = '';
    info.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const pid = /"child-pid":\s*(\d+)/.exec(text)?.[1];
      if (pid === undefined || this.pid !== null) return;
      this.pid = Number(pid);
      if (this.doomed) killIfThere(this.pid);
      else this.cgroup?.add(this.pid);
      for (const gate of gates) gate.end(this.doomed ? '' : 'go\n');
    });
  }

  kill(child: ChildProcess): void {
    this.doomed = true;
    if (this.pid !== null) killIfThere(this.pid);
    // Normally it follows by itself; not when it was stopped before it had made its child.
    setTimeout(() => child.kill('SIGKILL'), this.pid === null ? 1_000 : 200).unref();
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** bubblewrap's own complaint, when it ended before the program began. */
function startRefusal(result: BoundedResult): string | null {
  if (result.startError) return result.startError;
  const complaint = /^(bwrap|nsenter|prlimit): .*/m.exec(result.stderr.slice(0, 2_000))?.[0];
  return result.exitCode === 1 &&
    result.stdout === '' &&
    result.stderr.startsWith(complaint ?? '\0') &&
    complaint
    ? complaint
    : null;
}

const INSTALL = 'Install it: apt-get install bubblewrap (Debian, Ubuntu), dnf install bubblewrap (Fedora).';
const ALLOW =
  'Allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1, on Ubuntu 24.04 an AppArmor ' +
  'profile for bwrap), or in Docker/Kubernetes use the privileges that docs/sandbox.md lists, or gVisor.';

/** Whether bubblewrap can start something here, tried for real. */
export async function probeBubblewrap(sandbox: () => Promise<BubblewrapSandbox>): Promise<SandboxProbe> {
  const no = (detail: string, remedy: string) => ({
    kind: 'bubblewrap' as const,
    available: false,
    detail,
    remedy,
  });
  if (process.platform !== 'linux')
    return no('bubblewrap exists for Linux only', 'Use docker or podman here.');
  try {
    accessSync(BWRAP, constants.X_OK);
  } catch {
    return no('bubblewrap is not installed', INSTALL);
  }
  const opened = await sandbox();
  const language = opened.languages.has('bash') ? 'bash' : 'javascript';
  const result = await opened.run({ language, argv: ['/usr/bin/true'] });
  if (result.outcome.kind !== 'ended' || result.outcome.exitCode !== 0) {
    const why = result.outcome.kind === 'not-started' ? result.outcome.reason : result.stderr.slice(0, 300);
    return no(`bubblewrap does not start: ${why || result.outcome.kind}`, ALLOW);
  }
  const version = await new Promise<string>((resolve) =>
    execFile(BWRAP, ['--version'], (_error, stdout: string) => resolve(stdout.trim())),
  );
  const weak = opened.cgroups ? '' : '; no writable control groups: memory is limited per process only';
  return { kind: 'bubblewrap', available: true, detail: `${version}${weak}`, remedy: '' };
}
