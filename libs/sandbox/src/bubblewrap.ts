import { existsSync, lstatSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import type { Writable } from 'node:stream';
import { AcrError } from '@acrouter/domain/errors';
import { Admission } from './admission';
import { runBounded, type BoundedResult } from './bounded-process';
import { bubblewrapArgs, type HostFolders } from './bubblewrap-args';
import { createCgroup, findCgroupHome, sweepCgroups, type Cgroup, type CgroupHome } from './cgroup';
import { findHostTool } from './host-tools';
import { inheritedDescriptors } from './inherited-descriptors';
import { openMountNamespace, type MountNamespace } from './mount-namespace';
import { checkRequest } from './request';
import { interpret } from './outcome';
import type { Sandbox, SandboxLanguage, SandboxRequest, SandboxResult } from './sandbox';
import { seccompFilter } from './seccomp';
import { BASE_FOLDERS, type Toolchain } from './toolchains';

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
  private readonly nsenter = findHostTool('nsenter') ?? 'nsenter';
  private readonly host: HostFolders;

  private constructor(
    readonly program: string,
    private readonly withProc: boolean,
    private readonly toolchains: ReadonlyMap<SandboxLanguage, Toolchain>,
    private readonly namespace: MountNamespace | null,
    readonly cgroups: CgroupHome | null,
  ) {
    this.languages = new Map([...toolchains].map(([language, { version }]) => [language, version]));
    this.host = hostFolders(namespace?.places ?? new Map());
  }

  /**
   * Prepares what all runs share: the view of toolchains that only root can reach, and control groups.
   * @param program bubblewrap's own path
   * @param withProc whether programs see a /proc of their own; engines that mask theirs forbid it
   */
  static async open(
    program: string,
    withProc: boolean,
    toolchains: ReadonlyMap<SandboxLanguage, Toolchain>,
  ): Promise<BubblewrapSandbox> {
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
    return new BubblewrapSandbox(program, withProc, new Map(usable), namespace, cgroups);
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
      hideProc: !this.withProc || (request.hideProc ?? false),
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
          extra: [null, null, this.filter ?? '', null, null, ...files.map(([, text]) => text)],
          wallMs: limits.wallMs,
          outputBytes: limits.outputBytes,
          started: (_child, [info, block, , gate, begin]) =>
            admission.watch(info as NodeJS.ReadableStream, begin as NodeJS.ReadableStream, [
              block as Writable,
              gate as Writable,
            ]),
          kill: (child) => admission.kill(child),
          overfull: () => admission.files() > limits.files,
        },
        signal,
      );
      const fault = faultOf(result, admission);
      if (fault !== null) throw new AcrError('ACR_SANDBOX_FAULT', `bubblewrap did not start: ${fault}`);
      return interpret(result, {
        oomKills: cgroup?.oomKills() ?? 0,
        forkRefusals: cgroup?.forkRefusals() ?? 0,
        refusal: null,
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
    try {
      return createCgroup(this.cgroups, `acr-${process.pid}-${number}`, limits);
    } catch (cause) {
      const detail = `No control group can be made: ${(cause as Error).message}`;
      throw new AcrError('ACR_SANDBOX_FAULT', detail, { cause });
    }
  }

  /** Leaves root behind, enters the namespace of hidden toolchains, closes descriptors that are not ours. */
  private command(number: number, args: string[]) {
    const id = this.firstUid === null ? NOBODY : this.firstUid + (number % UID_COUNT);
    const become = this.root ? { uid: id, gid: id } : {};
    const closing = this.leaks.map((fd) => `exec ${fd}>&-;`).join('');
    const base = closing
      ? ['/usr/bin/bash', '-c', `${closing} exec "$@"`, 'bash', this.program, ...args]
      : [this.program, ...args];
    const line = this.namespace
      ? [
          this.nsenter,
          `--mount=${this.namespace.path}`,
          '--no-fork',
          '-S',
          `${id}`,
          '-G',
          `${id}`,
          '--',
          ...base,
        ]
      : base;
    const options = { env: {}, cwd: '/', ...(this.namespace ? {} : become) };
    return { program: line[0] as string, args: line.slice(1), options };
  }
}

/** Why the program never began, although nobody stopped it; `null` when it did. */
function faultOf(result: BoundedResult, admission: Admission): string | null {
  if (result.startError) return result.startError;
  if (admission.fault) return admission.fault;
  if (admission.started || result.stopped !== null) return null;
  const said = result.stderr.trim().slice(0, 500);
  return said || `bubblewrap ended with ${result.signal ?? result.exitCode} before the program began`;
}
