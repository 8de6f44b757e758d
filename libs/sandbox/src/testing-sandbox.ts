import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { SandboxKind, SandboxRequest, SandboxResult } from './sandbox';

/** Address that the test's own network namespace has and nobody else (TEST-NET-2, RFC 5737). */
export const OUTSIDE = '198.51.100.7';

/** A back end, opened as some user. */
export interface Place {
  kind: SandboxKind;
  /** As root a sandbox gives up root itself; as another user it never had it. Both must hold. */
  as: 'root' | 'another user' | 'this user';
  uid: number | undefined;
}

export const ROOT = process.getuid?.() === 0;
export const OTHER_UID = 48_213;

/** Whether a container engine answers this user; only where tests are known to have its images too. */
function engineAnswers(uid: number | undefined): boolean {
  return ['docker', 'podman'].some((client) => {
    const { status } = spawnSync(client, ['image', 'inspect', 'python:3.12-slim'], {
      uid,
      gid: uid,
      stdio: 'ignore',
      timeout: 20_000,
    });
    return status === 0;
  });
}

/**
 * Where the containment suite runs here: every back end of `kinds` that is present, as every user that can be.
 * What is absent is printed, so that a green run says what it did not try.
 */
export function placesHere(kinds: readonly SandboxKind[]): Place[] {
  const users: Omit<Place, 'kind'>[] = ROOT
    ? [
        { as: 'root', uid: undefined },
        { as: 'another user', uid: OTHER_UID },
      ]
    : [{ as: 'this user', uid: undefined }];
  if (!ROOT) process.stdout.write('Not tested as root and as another user: this is neither.\n');
  const present = (kind: SandboxKind, uid: number | undefined) =>
    kind === 'bubblewrap' ? existsSync('/usr/bin/bwrap') : kind !== 'container' || engineAnswers(uid);
  return kinds.flatMap((kind) =>
    users.flatMap((user) => {
      if (present(kind, user.uid)) return [{ kind, ...user }];
      process.stdout.write(`Not tested: the ${kind} back end as ${user.as}; it is not here.\n`);
      return [];
    }),
  );
}

/** A sandbox in another process; see testing-child.ts. */
export class SandboxChild {
  private readonly waiting = new Map<number, { resolve: (v: unknown) => void; reject: (e: Error) => void }>();
  private last = 0;
  private complaints = '';

  private constructor(private readonly child: ChildProcess) {
    child.on('message', (message: { id: number; result?: unknown; error?: string }) => {
      const waiter = this.waiting.get(message.id);
      this.waiting.delete(message.id);
      if (message.error !== undefined) waiter?.reject(new Error(message.error));
      else waiter?.resolve(message.result);
    });
    child.stderr?.on('data', (chunk: Buffer) => (this.complaints += chunk.toString()));
    child.on('exit', (code) => {
      for (const { reject } of this.waiting.values())
        reject(new Error(`the child ended with ${code}: ${this.complaints.slice(-500)}`));
    });
  }

  /**
   * @param options.kind back end; default bubblewrap
   * @param options.uid user to run as; default ours
   * @param options.maskedProc with parts of /proc mounted over, as container engines do (root only)
   * @param options.ownNetwork with a network namespace of its own in which OUTSIDE is an address (root only)
   */
  static async open(
    options: { kind?: SandboxKind; uid?: number; ownNetwork?: boolean; maskedProc?: boolean } = {},
  ): Promise<SandboxChild> {
    const root = join(__dirname, '../../..');
    const node = [
      process.execPath,
      '-r',
      join(root, 'libs/testing/src/run-typescript.cjs'),
      join(__dirname, 'testing-child.ts'),
      options.kind ?? 'bubblewrap',
    ];
    const become =
      options.uid === undefined ? '' : `setpriv --reuid=${options.uid} --regid=${options.uid} --clear-groups`;
    const before = options.maskedProc
      ? 'mount -t tmpfs none /proc/fs'
      : `ip link set lo up && ip addr add ${OUTSIDE}/32 dev lo`;
    const namespace = options.maskedProc ? '--mount' : '--net';
    const [program = '', ...args] =
      options.ownNetwork || options.maskedProc
        ? ['/usr/bin/unshare', namespace, '/bin/sh', '-c', `${before} && exec ${become} "$@"`, 'sh', ...node]
        : node;
    const child = spawn(program, args, {
      ...(options.ownNetwork || options.maskedProc ? {} : { uid: options.uid, gid: options.uid }),
      cwd: '/',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const opened = new SandboxChild(child);
    await new Promise((resolve, reject) => opened.waiting.set(0, { resolve, reject }));
    return opened;
  }

  run(run: SandboxRequest): Promise<SandboxResult> {
    return this.ask({ run }) as Promise<SandboxResult>;
  }

  listen(host: string): Promise<number> {
    return this.ask({ listen: host }) as Promise<number>;
  }

  reach(host: string, port: number): Promise<boolean> {
    return this.ask({ reach: { host, port } }) as Promise<boolean>;
  }

  connections(): Promise<number> {
    return this.ask({ connections: true }) as Promise<number>;
  }

  /** Process id of the child, whose environment and memory the sandbox must not see. */
  get pid(): number {
    return this.child.pid ?? -1;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.child.once('exit', () => resolve());
      this.child.disconnect();
      setTimeout(() => this.child.kill('SIGKILL'), 5_000).unref();
    });
  }

  private ask(message: object): Promise<unknown> {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.child.send({ id, ...message });
    });
  }
}
