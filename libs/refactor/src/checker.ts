import { AcrError } from '@acrouter/domain/errors';
import type { Sandbox, SandboxLanguage, SandboxResult } from '@acrouter/sandbox/sandbox';
import { cp, mkdtemp, rm, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Journal } from './journal';
import { failureOf } from './reasons';
import type { Scratch } from './scratch';
import { testsRun } from './tests-run';

/** A suite of tests needs more room than a single program. */
const LIMITS = {
  memoryBytes: 2 * 1024 ** 3,
  diskBytes: 1024 ** 3,
  fileBytes: 512 * 1024 ** 2,
  processes: 512,
  openFiles: 4_096,
};

/** Runs commands on commits: in the sandbox, on a copy of the files, each pair of commit and command once. */
export class Checker {
  private included: Promise<string> | null = null;

  constructor(
    private readonly sandbox: Sandbox,
    private readonly scratch: Scratch,
    private readonly journal: Journal,
    private readonly root: string,
    private readonly signal: AbortSignal,
  ) {}

  /**
   * `null` when the command passes on the commit, else why not.
   * @throws AcrError ACR_SANDBOX_UNAVAILABLE when the command could not be run: that says nothing about the commit
   */
  async check(commit: string, command: string): Promise<string | null> {
    const key = `${commit} ${command}`;
    const known = this.journal.state.checks[key];
    if (known) return known.failure;
    const result = await this.run(commit, command);
    const { outcome } = result;
    if (outcome.kind === 'cancelled') throw new AcrError('ACR_CONFLICT', 'The check was interrupted.');
    if (outcome.kind === 'not-started')
      throw new AcrError('ACR_SANDBOX_UNAVAILABLE', `The check did not start: ${outcome.reason}`);
    const { state } = this.journal;
    const tests = testsRun(result);
    const failure = failureOf(result, LIMITS.memoryBytes, state.options.verifyTimeoutMs, {
      before: state.checks[`${state.base} ${command}`]?.tests ?? null,
      now: tests,
    });
    this.journal.update((s) => (s.checks[key] = { failure, ms: Math.round(result.durationMs), tests }));
    return failure;
  }

  /** Time of a check that was made, ms. */
  durationMs(commit: string, command: string): number {
    return this.journal.state.checks[`${commit} ${command}`]?.ms ?? 0;
  }

  async close(): Promise<void> {
    const folder = await this.included?.catch(() => null);
    if (folder) await rm(folder, { recursive: true, force: true });
  }

  private async run(commit: string, command: string): Promise<SandboxResult> {
    const { options } = this.journal.state;
    const links = options.include.map(
      (path) =>
        `mkdir -p "$(dirname ${quoted(path)})" && ln -s ${quoted(`/repository/${path}`)} ${quoted(path)} && `,
    );
    const wallMs = options.verifyTimeoutMs;
    return this.sandbox.run(
      {
        language: options.language as SandboxLanguage,
        argv: ['/bin/sh', '-c', `tar -xzf - && ${links.join('')}exec </dev/null && ${inShell(command)}`],
        stdin: await this.scratch.archive(commit),
        mounts:
          options.include.length > 0
            ? [{ from: await (this.included ??= this.copyIncluded()), to: '/repository' }]
            : [],
        limits: { ...LIMITS, wallMs, cpuSeconds: Math.ceil(wallMs / 1_000) },
      },
      this.signal,
    );
  }

  /** Copied once per process, so that nothing that runs can reach the user's own folders. */
  private async copyIncluded(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'acr-refactor-'));
    await chmod(folder, 0o755);
    for (const path of this.journal.state.options.include)
      await cp(join(this.root, path), join(folder, path), { recursive: true, verbatimSymlinks: true });
    return folder;
  }
}

/** A word for /bin/sh. */
export const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
/** A command of the user's as one unit: its own `||` and `&` stay inside. */
export const inShell = (command: string): string => `/bin/sh -c ${quoted(command)}`;
