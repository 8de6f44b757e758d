import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceState } from './stack-file';
import { signal } from './processes';

const MAX_LOG_BYTES = 20_000_000;
const BACKOFF_MS = { first: 250, max: 15_000 };
/** A service that lived this long before it crashed starts anew with the shortest back-off. */
const STEADY_MS = 60_000;
const READY_POLL_MS = 60;

export interface ServiceOptions {
  name: string;
  /** Its compiled main.js. */
  script: string;
  port: number;
  env: Record<string, string | undefined>;
  logDir: string;
  /** Told whenever pid or restarts change. */
  onChange: () => void;
  /** Told in plain words of crashes. */
  log: (line: string) => void;
}

/** One service as a child process of its own; started again with back-off when it crashes. */
export class ServiceProcess {
  private child: ChildProcess | undefined;
  private restarts = 0;
  private crashesInARow = 0;
  private stopping = false;
  private restartTimer: NodeJS.Timeout | undefined;
  readonly logFile: string;

  constructor(private readonly options: ServiceOptions) {
    this.logFile = join(options.logDir, `${options.name}.log`);
  }

  get state(): ServiceState {
    const { name, port } = this.options;
    return { name, port, pid: this.child?.pid ?? 0, restarts: this.restarts };
  }

  start(): void {
    if (existsSync(this.logFile) && statSync(this.logFile).size > MAX_LOG_BYTES)
      renameSync(this.logFile, `${this.logFile}.1`);
    const log = openSync(this.logFile, 'a', 0o600);
    const startedAt = Date.now();
    const preload = join(__dirname, 'exit-with-parent.js');
    this.child = spawn(
      process.execPath,
      ['--enable-source-maps', '--require', preload, this.options.script],
      {
        env: this.options.env,
        stdio: ['ignore', log, log, 'ipc'],
        // Its own process group: Ctrl-C reaches the supervisor alone, which then stops all in order.
        detached: true,
      },
    );
    closeSync(log);
    this.child.on('error', () => undefined);
    this.child.once('exit', (code, by) => this.onExit(startedAt, by ?? `code ${code}`));
    this.options.onChange();
  }

  private onExit(startedAt: number, how: string): void {
    if (this.stopping) return;
    this.crashesInARow = Date.now() - startedAt > STEADY_MS ? 1 : this.crashesInARow + 1;
    const delayMs = Math.min(BACKOFF_MS.first * 2 ** (this.crashesInARow - 1), BACKOFF_MS.max);
    this.options.log(`${this.options.name} ended (${how}); starting it again in ${delayMs / 1000} s`);
    this.restartTimer = setTimeout(() => {
      this.restarts++;
      this.start();
    }, delayMs);
  }

  /** Whether it has crashed several times without ever becoming ready. */
  get failing(): boolean {
    return this.crashesInARow >= 3;
  }

  /** Whether `/readyz` answers 200 now. */
  async ready(): Promise<boolean> {
    return isReady(this.options.port);
  }

  /** Waits for readiness. @returns false when it keeps crashing, the time is over or `givenUp` says so */
  async waitUntilReady(deadlineMs: number, givenUp: () => boolean): Promise<boolean> {
    while (Date.now() < deadlineMs && !this.failing && !givenUp()) {
      if (await this.ready()) return true;
      await sleep(READY_POLL_MS);
    }
    return false;
  }

  /** Last lines of its log, for an error message. */
  logTail(lines: number): string {
    if (!existsSync(this.logFile)) return '';
    return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  }

  /** SIGTERM, and SIGKILL after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.stopping = true;
    clearTimeout(this.restartTimer);
    const child = this.child;
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((done) => child.once('exit', () => done()));
    signal(child.pid, 'SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await ended;
    clearTimeout(force);
  }
}

/** Whether `/readyz` on a local port answers 200 within `timeoutMs` (default 2 s). */
export async function isReady(port: number, timeoutMs = 2_000): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(timeoutMs) });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false;
  }
}
