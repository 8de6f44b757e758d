/**
 * One interface for every way to run untrusted code; must 7 of docs/architecture: model output is hostile.
 * Back ends differ in what they guarantee (docs/sandbox.md); callers choose by `kind` and `languages` only.
 */

/** The back ends, best first. `unsafe` is no sandbox at all and is used only when the user says so. */
export const SANDBOX_KINDS = ['bubblewrap', 'container', 'quickjs', 'unsafe'] as const;
export type SandboxKind = (typeof SANDBOX_KINDS)[number];

/** Languages whose toolchain can be looked for. */
export const SANDBOX_LANGUAGES = [
  'python',
  'javascript',
  'typescript',
  'bash',
  'go',
  'java',
  'rust',
  'cpp',
] as const;
export type SandboxLanguage = (typeof SANDBOX_LANGUAGES)[number];

/** What bounds one run. Every limit that is hit is named in the result. */
export interface SandboxLimits {
  /** Wall clock of the whole run, ms. */
  wallMs: number;
  /** CPU time of each process, s (kernel sends SIGXCPU, then SIGKILL). */
  cpuSeconds: number;
  /** Memory of all processes together where cgroups are writable, bytes; files in the sandbox count too. */
  memoryBytes: number;
  /** Processes and threads alive at once. */
  processes: number;
  /** Largest file that can be written, bytes. */
  fileBytes: number;
  /** Open files per process. */
  openFiles: number;
  /** Size of the private folder, bytes. */
  diskBytes: number;
  /** Files and folders in the private folders together; more than that ends the run (`limitsHit: ['files']`). */
  files: number;
  /** Kept of stdout and of stderr each, bytes; more is dropped and `outputTruncated` is set. */
  outputBytes: number;
}

/**
 * Judge0's defaults (5 s CPU, 10 s wall, 64 MB stack aside, 60 processes, 1 MB files) with more memory, files
 * and processes, because Node alone maps over 500 MB and starts eleven threads.
 */
export const DEFAULT_SANDBOX_LIMITS: SandboxLimits = {
  wallMs: 10_000,
  cpuSeconds: 10,
  memoryBytes: 512 * 1024 * 1024,
  processes: 64,
  fileBytes: 32 * 1024 * 1024,
  openFiles: 256,
  diskBytes: 64 * 1024 * 1024,
  files: 20_000,
  outputBytes: 1024 * 1024,
};

/** Output beyond this many times `outputBytes` ends the run, so that a flood cannot occupy the host. */
export const FLOOD_FACTOR = 64;

/** A program to run, in the terms of the sandbox's own file system. */
export interface SandboxRequest {
  /** Decides which toolchain is visible. */
  language: SandboxLanguage;
  /** Program and arguments. A word `{tool}` stands for the toolchain's main program. */
  argv: readonly string[];
  /** Relative path → text, written to the working folder before the start. */
  files?: Readonly<Record<string, string>>;
  /** Host folders and files shown read-only; `to` is absolute and outside the system's own folders. */
  mounts?: readonly { from: string; to: string }[];
  stdin?: string | Uint8Array;
  /** Leaves /proc out, so that one process inside cannot look into another's memory. Default false. */
  hideProc?: boolean;
  limits?: Partial<SandboxLimits>;
  /** Extra environment; the base is PATH, HOME, LANG and TMPDIR and nothing of the host's. */
  env?: Readonly<Record<string, string>>;
}

/** How a run ended; never a bare exit code. */
export type SandboxOutcome =
  | { kind: 'ended'; exitCode: number }
  | { kind: 'timed-out'; limit: 'wall' | 'cpu' }
  | { kind: 'out-of-memory' }
  | { kind: 'output-flood' }
  | { kind: 'killed'; signal: string }
  | { kind: 'cancelled' }
  | { kind: 'not-started'; reason: string };

/** Limits a run met, whether or not that ended it. */
export type LimitHit = 'wall' | 'cpu' | 'memory' | 'processes' | 'output' | 'flood' | 'files';

export interface SandboxResult {
  outcome: SandboxOutcome;
  /** At most `outputBytes` each, decoded as UTF-8 with U+FFFD for broken bytes. */
  stdout: string;
  stderr: string;
  outputTruncated: boolean;
  limitsHit: LimitHit[];
  durationMs: number;
}

/**
 * A way to run untrusted code. `run` never throws for what the program does; it throws AcrError for misuse and when
 * the machine could not start the program at all, which says nothing about it.
 */
export interface Sandbox {
  readonly kind: SandboxKind;
  /** Languages whose toolchain was found, with their main program's version line. */
  readonly languages: ReadonlyMap<SandboxLanguage, string>;
  /**
   * Runs one program to its end and kills everything that it started. Safe to call in parallel.
   * @throws AcrError ACR_INVALID_REQUEST when a path leaves the folder or the language is not in `languages`;
   *   ACR_SANDBOX_FAULT (retryable) when the sandbox itself failed before the program began.
   */
  run(request: SandboxRequest, signal?: AbortSignal): Promise<SandboxResult>;
  /** Removes what the back end holds (temporary folders, namespaces). Idempotent. */
  close(): Promise<void>;
}

/** What one back end can do on this machine. */
export interface SandboxProbe {
  kind: SandboxKind;
  available: boolean;
  /** Why not, or what is weaker than it could be, for a person. */
  detail: string;
  /** What to do about it; empty when nothing needs doing. */
  remedy: string;
}
