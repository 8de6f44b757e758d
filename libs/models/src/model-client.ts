import type { Usage } from '@acrouter/domain/task';

/** What a coding agent works on; a model that only reads text has no use for it. */
export interface Workspace {
  /** Path → text; copied for each call. */
  files: Readonly<Record<string, string>>;
  /** Paths whose changes are the answer. Empty: the answer is a program of its own. */
  edits: readonly string[];
  /** Where a program of its own is written to. */
  answerFile: string;
  /** The program's language, for the fence around it; `null`: the file's text is the answer as it stands. */
  language: string | null;
}

/** One request to one model. */
export interface CompletionRequest {
  system?: string;
  prompt: string;
  /** Most tokens the answer may have, reasoning included; also what a reservation counts with. */
  maxOutputTokens: number;
  /** Default: the provider's own. */
  temperature?: number;
  workspace?: Workspace;
}

/** A text came back. `usage: null` = the provider did not say; the cost is unknown, not 0. */
export interface Answered {
  kind: 'answered';
  text: string;
  usage: Usage | null;
  /** Cost of the call by its own account, USD; `null` = unknown whatever the usage. Absent: usage times price. */
  costUsd?: number | null;
  /** The model that answered, as the provider names it. */
  responseModel: string;
  finishReason: string;
  latencyMs: number;
}

/**
 * Why no usable answer came.
 * - `rate-limited`: HTTP 429. `server-error`: 408 and 5xx. `refused`: other 4xx, our request is at fault.
 * - `auth`: 401, 403, or a provider that says the key is wrong.
 * - `timeout`: nothing within the model's `timeoutMs`. `cancelled`: the caller's signal.
 * - `connection`: refused, reset or lost. `broken-body`: HTTP 200 with something else than an answer.
 */
export type FailureKind =
  | 'rate-limited'
  | 'server-error'
  | 'timeout'
  | 'connection'
  | 'broken-body'
  | 'refused'
  | 'auth'
  | 'cancelled';

export interface Failed {
  kind: 'failed';
  failure: FailureKind;
  statusCode?: number;
  /** The same request may succeed later. */
  retryable: boolean;
  /** What the provider asked for, ms from now. */
  retryAfterMs?: number;
  /** The request may have been worked on and billed though no usage came back: its worst case stays held. */
  mayHaveBeenBilled: boolean;
  /** For a person; at most 500 characters, never holds the key. */
  message: string;
  latencyMs: number;
}

export type CompletionResult = Answered | Failed;

/** A model that can be asked. Makes one HTTP request, or runs one agent, per call: retries are the caller's. */
export interface ModelClient {
  /** Never rejects for what a provider does; see {@link Failed}. `signal` cancels the call. */
  complete(request: CompletionRequest, signal: AbortSignal): Promise<CompletionResult>;
}
