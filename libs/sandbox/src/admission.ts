import type { ChildProcess } from 'node:child_process';
import { statfsSync } from 'node:fs';
import type { Writable } from 'node:stream';
import type { Cgroup } from './cgroup';

/** What a program can write to; each a tmpfs of its own (bubblewrap-args.ts). */
const WRITABLE = ['box', 'tmp', 'dev/shm'];

/**
 * bubblewrap says which process it made: pid 1 of the new namespace. That one goes into the control group and
 * then may begin; killing it ends everything in there, which killing bubblewrap itself does not do early on.
 */
export class Admission {
  private pid: number | null = null;
  private doomed = false;
  private begun = false;
  private refused: string | null = null;

  constructor(private readonly cgroup: Cgroup | null) {}

  /** Whether the program itself was reached: everything before is ours, everything after is its own doing. */
  get started(): boolean {
    return this.begun;
  }

  /** Why the program was not let in, if it was not. */
  get fault(): string | null {
    return this.refused;
  }

  /** `info` brings the pid, `begin` a line once all limits hold, `gates` are what the program waits for. */
  watch(info: NodeJS.ReadableStream, begin: NodeJS.ReadableStream, gates: readonly Writable[]): void {
    let text = '';
    begin.on('data', () => (this.begun = true));
    info.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const pid = /"child-pid":\s*(\d+)/.exec(text)?.[1];
      if (pid === undefined || this.pid !== null) return;
      this.pid = Number(pid);
      if (!this.doomed && this.cgroup?.add(this.pid) === false) {
        this.refused = 'its control group took no process';
        this.doomed = true;
      }
      if (this.doomed) killIfThere(this.pid);
      for (const gate of gates) gate.end(this.doomed ? '' : 'go\n');
    });
  }

  kill(child: ChildProcess): void {
    this.doomed = true;
    if (this.pid !== null) killIfThere(this.pid);
    // Normally it follows by itself; not when it was stopped before it had made its child.
    setTimeout(() => child.kill('SIGKILL'), this.pid === null ? 1_000 : 200).unref();
  }

  /** Files and folders in the program's private folders now; 0 where nobody may look. */
  files(): number {
    if (this.pid === null || !this.begun) return 0;
    return WRITABLE.reduce((sum, folder) => sum + filesIn(`/proc/${this.pid}/root/${folder}`), 0);
  }
}

function filesIn(folder: string): number {
  try {
    const { files, ffree } = statfsSync(folder);
    return files - ffree;
  } catch {
    return 0;
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
