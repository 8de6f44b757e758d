import { APICallError, LoadAPIKeyError } from 'ai';
import type { FailureKind, Failed } from './model-client';
import { retryAfterMs } from './retry-after';

/** What is known about the call besides the error. */
export interface CallFacts {
  modelId: string;
  apiKey: string | null;
  apiKeyEnv: string | null;
  timeoutMs: number;
  latencyMs: number;
  /** The caller's signal was aborted. */
  cancelled: boolean;
  /** The model's own time limit was reached. */
  timedOut: boolean;
  nowMs: number;
}

/** Errors of a connection that was never made: nothing can have been billed. */
const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Server errors that the same request will meet again: not implemented, HTTP version. */
const PERMANENT_SERVER_ERRORS = new Set([501, 505]);

/** Turns whatever the SDK threw into a {@link Failed}. Total: an error nobody foresaw is a broken body. */
export function classifyFailure(error: unknown, facts: CallFacts): Failed {
  if (facts.cancelled) return failed(facts, 'cancelled', 'the call was cancelled', false, true);
  if (facts.timedOut) return failed(facts, 'timeout', `no answer within ${facts.timeoutMs} ms`, true, true);
  if (LoadAPIKeyError.isInstance(error)) return authFailure(facts, undefined);
  if (APICallError.isInstance(error) && error.statusCode !== undefined && error.statusCode >= 300)
    return fromStatus(error, error.statusCode, facts);
  const code = networkCode(error);
  if (code !== null)
    return failed(facts, 'connection', `connection failed (${code})`, true, !NEVER_SENT.has(code));
  if (isRefusedAddress(error)) return failed(facts, 'connection', 'fetch refuses this address', true, false);
  const reason = error instanceof Error ? error.message : String(error);
  return failed(facts, 'broken-body', `the answer could not be read: ${reason}`, true, true);
}

function fromStatus(error: APICallError, status: number, facts: CallFacts): Failed {
  if (status === 401 || status === 403 || saysKeyIsWrong(error)) return authFailure(facts, status);
  const kind: FailureKind =
    status === 429 ? 'rate-limited' : status === 408 || status >= 500 ? 'server-error' : 'refused';
  const retryable = kind !== 'refused' && !PERMANENT_SERVER_ERRORS.has(status);
  const wait = retryable ? retryAfterMs(error.responseHeaders, facts.nowMs) : undefined;
  return {
    ...failed(facts, kind, `HTTP ${status}: ${error.message}`, retryable, false),
    statusCode: status,
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
  };
}

/** Gemini answers 400 to a wrong key. */
const saysKeyIsWrong = (error: APICallError): boolean =>
  error.statusCode === 400 && /API_KEY_INVALID|api key not valid/i.test(error.responseBody ?? '');

function authFailure(facts: CallFacts, statusCode: number | undefined): Failed {
  const remedy = facts.apiKeyEnv
    ? `check the key in the environment variable ${facts.apiKeyEnv}`
    : 'it wants a key: name its environment variable with "apiKeyEnv" in models.yaml';
  const status = statusCode === undefined ? '' : ` (HTTP ${statusCode})`;
  return {
    ...failed(
      facts,
      'auth',
      `the provider of ${facts.modelId} does not let us in${status}; ${remedy}`,
      false,
      false,
    ),
    ...(statusCode === undefined ? {} : { statusCode }),
  };
}

function failed(
  facts: CallFacts,
  failure: FailureKind,
  message: string,
  retryable: boolean,
  billed: boolean,
): Failed {
  return {
    kind: 'failed',
    failure,
    retryable,
    mayHaveBeenBilled: billed,
    message: harmless(message, facts.apiKey),
    latencyMs: facts.latencyMs,
  };
}

/** Providers echo keys and send escape codes; neither may reach a log or a terminal. */
export function harmless(message: string, apiKey: string | null): string {
  const hidden = apiKey ? message.replaceAll(apiKey, '[key]') : message;
  return hidden.replace(/[\p{Cc}\p{Cf}]+/gu, ' ').slice(0, 500);
}

/** Whether fetch asked nobody: a port that it never speaks to (WHATWG Fetch, §2.10), or a scheme it does not know. */
function isRefusedAddress(error: unknown): boolean {
  let at: unknown = error;
  for (let depth = 0; typeof at === 'object' && at !== null && depth < 8; depth++) {
    const { message, cause } = at as { message?: unknown; cause?: unknown };
    if (message === 'bad port' || message === 'unknown scheme') return true;
    at = cause;
  }
  return false;
}

/** The first network error code along the chain of causes, or `null`. By shape: errors may be of another realm. */
function networkCode(error: unknown): string | null {
  let at: unknown = error;
  for (let depth = 0; typeof at === 'object' && at !== null && depth < 8; depth++) {
    const { code, cause } = at as { code?: unknown; cause?: unknown };
    if (typeof code === 'string' && /^(E[A-Z_]+|UND_ERR_[A-Z_]+)$/.test(code)) return code;
    at = cause;
  }
  return null;
}
