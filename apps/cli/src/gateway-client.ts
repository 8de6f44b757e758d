import {
  acceptedRunSchema,
  cancelledSchema,
  explanationSchema,
  modelListSchema,
  problemSchema,
  runEventSchema,
  runViewSchema,
  taskPageSchema,
  type RunEvent,
  type SubmitRun,
  type TaskSummary,
} from '@acrouter/contracts/http';
import { offPolicyReportSchema } from '@acrouter/contracts/http-off-policy';
import { reportSchema } from '@acrouter/contracts/http-report';
import type { TaskSpec } from '@acrouter/contracts/task-file';
import { AcrError, ERRORS, type ErrorCode } from '@acrouter/domain/errors';
import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import { cliEnv, note } from './output';
import { parseEvents } from './server-sent-events';
import { findDataDir, requireStack } from './stack/stack-file';
import { isBacklogFull } from './wait-for-room';

const REQUEST_TIMEOUT_MS = 60_000;
/** A gateway that is just being restarted by the supervisor is back well within these waits. */
const RETRY_DELAYS_MS = [200, 500, 1_000, 2_000, 4_000];
/** The gateway sends a comment line more often than this; silence means a dead connection. */
const EVENT_SILENCE_MS = 60_000;

/** Waits for a rate limit that are longer than this are told. */
const TOLD_DELAY_MS = 2_000;

/** Options that every command talking to the gateway takes. */
export interface ConnectOptions {
  url?: string;
  dataDir?: string;
}

/**
 * The gateway of `--url`, ACR_URL or the stack that runs here.
 * @throws AcrError ACR_GATEWAY_UNREACHABLE without any, ACR_INVALID_REQUEST when it is no http(s) address
 */
export function connect(options: ConnectOptions): GatewayClient {
  const url = options.url ?? cliEnv.url ?? requireStack(findDataDir(options.dataDir)).url;
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new AcrError(
      'ACR_INVALID_REQUEST',
      `${options.url === undefined ? 'ACR_URL' : '--url'} is ${JSON.stringify(url)}, which is no address such as http://127.0.0.1:8700.`,
    );
  return new GatewayClient(url.replace(/\/$/, ''), cliEnv.apiKey);
}

/** HTTP client of the gateway; every answer is parsed by its schema of libs/contracts. */
export class GatewayClient {
  /** Once something has answered here, a silence is a restart and worth more patience. */
  private hasAnswered = false;

  constructor(
    readonly url: string,
    private readonly apiKey: string | null = null,
  ) {}

  /** Starts a run. Safe to repeat with the same key. */
  submitRun(run: SubmitRun, idempotencyKey: string) {
    return this.send('POST', '/v1/runs', acceptedRunSchema, { body: run, idempotencyKey });
  }

  /** Adds the next chunk of tasks to a run. Safe to repeat with the same key. */
  addTasks(runId: string, tasks: readonly TaskSpec[], idempotencyKey: string) {
    const path = `/v1/runs/${encodeURIComponent(runId)}/tasks`;
    return this.send('POST', path, acceptedRunSchema, { body: { tasks }, idempotencyKey });
  }

  /** @param signal ends the asking, and the waiting between tries */
  run(id: string, signal?: AbortSignal) {
    return this.send('GET', `/v1/runs/${encodeURIComponent(id)}`, runViewSchema, { signal });
  }

  /** All tasks of a run in the order of submission, page by page. */
  async *runTasks(id: string, withAnswers = false): AsyncGenerator<TaskSummary> {
    const first = withAnswers ? 'limit=100&include=answer' : 'limit=1000';
    for (let cursor: string | null = ''; cursor !== null;) {
      const query = `${first}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`;
      const path = `/v1/runs/${encodeURIComponent(id)}/tasks?${query}`;
      const page: z.infer<typeof taskPageSchema> = await this.send('GET', path, taskPageSchema);
      yield* page.tasks;
      cursor = page.nextCursor;
    }
  }

  /** Newest tasks first; `filter` is a query string such as `external_id=a&limit=1`. */
  tasks(filter: string) {
    return this.send('GET', `/v1/tasks?${filter}`, taskPageSchema);
  }

  explain(taskId: string) {
    return this.send('GET', `/v1/tasks/${encodeURIComponent(taskId)}/explain`, explanationSchema);
  }

  cancelTask(id: string) {
    return this.send('POST', `/v1/tasks/${encodeURIComponent(id)}/cancel`, cancelledSchema);
  }

  cancelRun(id: string) {
    return this.send('POST', `/v1/runs/${encodeURIComponent(id)}/cancel`, cancelledSchema);
  }

  models() {
    return this.send('GET', '/v1/models', modelListSchema);
  }

  report(query: Record<string, string>) {
    return this.send('GET', `/v1/report?${new URLSearchParams(query)}`, reportSchema);
  }

  /** `query.against` names the policy. */
  offPolicyReport(query: Record<string, string>) {
    return this.send('GET', `/v1/report/off-policy?${new URLSearchParams(query)}`, offPolicyReportSchema);
  }

  /**
   * Events of a run from the beginning until `run.finished`; connects again where it broke off.
   * @throws AcrError when the gateway stays away
   */
  async *events(runId: string, signal?: AbortSignal): AsyncGenerator<RunEvent> {
    let lastId: string | null = null;
    for (let failures = 0; !signal?.aborted;) {
      try {
        for await (const event of this.eventStream(runId, lastId, signal)) {
          failures = 0;
          lastId = event.id || lastId;
          const parsed = runEventSchema.parse(JSON.parse(event.data));
          yield parsed;
          if (parsed.type === 'run.finished') return;
        }
        failures++;
      } catch (error) {
        if (signal?.aborted) return;
        if (!isPassing(error) || ++failures > RETRY_DELAYS_MS.length) throw error;
      }
      await sleep(RETRY_DELAYS_MS[Math.min(failures, RETRY_DELAYS_MS.length) - 1] ?? 0);
    }
  }

  private async *eventStream(runId: string, lastId: string | null, signal?: AbortSignal) {
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(), EVENT_SILENCE_MS);
    const either = AbortSignal.any(signal ? [signal, silence.signal] : [silence.signal]);
    try {
      const response = await this.fetch('GET', `/v1/runs/${encodeURIComponent(runId)}/events`, {
        headers: { accept: 'text/event-stream', ...(lastId === null ? {} : { 'last-event-id': lastId }) },
        signal: either,
      });
      if (!response.ok) throw await problemOf(response);
      if (response.body) yield* parseEvents(response.body, () => timer.refresh());
    } finally {
      clearTimeout(timer);
      silence.abort();
    }
  }

  private async send<S extends z.ZodType>(
    method: string,
    path: string,
    schema: S,
    options: { body?: unknown; idempotencyKey?: string; signal?: AbortSignal } = {},
  ): Promise<z.infer<S>> {
    const headers = {
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(options.idempotencyKey ? { 'idempotency-key': options.idempotencyKey } : {}),
    };
    const body = options.body === undefined ? undefined : JSON.stringify(options.body);
    for (let attempt = 0; ; attempt++) {
      try {
        const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
        const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
        const response = await this.fetch(method, path, { headers, body, signal });
        if (!response.ok) throw await problemOf(response);
        return parseAnswer(schema, await response.json(), path);
      } catch (error) {
        const delayMs = this.hasAnswered || attempt < 2 ? RETRY_DELAYS_MS[attempt] : undefined;
        if (delayMs === undefined || options.signal?.aborted || !isPassing(error)) throw error;
        const askedMs = askedDelayMs(error);
        if (askedMs > TOLD_DELAY_MS)
          note(`  too many requests for now; asking again in ${askedMs / 1_000} s`);
        await sleep(Math.max(delayMs, askedMs), undefined, { signal: options.signal });
      }
    }
  }

  private async fetch(method: string, path: string, init: RequestInit): Promise<Response> {
    const headers = { ...(this.apiKey ? { authorization: `Bearer ${this.apiKey}` } : {}), ...init.headers };
    try {
      const response = await fetch(`${this.url}${path}`, { ...init, method, headers });
      this.hasAnswered = true;
      return response;
    } catch (cause) {
      throw new AcrError(
        'ACR_GATEWAY_UNREACHABLE',
        `Nothing answers at ${this.url} (${reasonOf(cause)}). Is the stack up? "acr status" tells; "acr up --detach" starts it.`,
        { cause },
      );
    }
  }
}

function reasonOf(cause: unknown): string {
  const inner = (cause as { cause?: { code?: string } }).cause;
  return inner?.code ?? (cause as Error).message;
}

/** Faults that may be over at the next try: no connection, a service that is restarting, a busy gateway. */
function isPassing(error: unknown): boolean {
  // A full backlog lasts for longer than these retries; who submits decides whether to wait.
  if (isBacklogFull(error)) return false;
  return !(error instanceof AcrError) || (error.retryable && error.fields.status !== 500);
}

/** What a rate limit asks to wait. */
function askedDelayMs(error: unknown): number {
  const ms = error instanceof AcrError ? error.fields.retryAfterMs : 0;
  return typeof ms === 'number' ? ms : 0;
}

function parseAnswer<S extends z.ZodType>(schema: S, value: unknown, path: string): z.infer<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new AcrError(
    'ACR_INVALID_REQUEST',
    `The answer to ${path} is not what this version of acr understands; is that an ACRouter gateway of the same version?`,
    { cause: parsed.error },
  );
}

/** The AcrError that a problem+json answer stands for. */
async function problemOf(response: Response): Promise<AcrError> {
  const text = await response.text().catch(() => '');
  const problem = problemSchema.safeParse(jsonOrNull(text)).data;
  const retryAfter = response.status === 429 ? Number(response.headers.get('retry-after')) : 0;
  const fields = { status: response.status, retryAfterMs: Math.min(retryAfter || 0, 60) * 1_000 };
  if (!problem)
    return new AcrError(
      response.status >= 500 ? 'ACR_GATEWAY_UNREACHABLE' : 'ACR_INVALID_REQUEST',
      `${response.url} answered ${response.status} ${response.statusText}, not as an ACRouter gateway does`,
      { fields },
    );
  const code = problem.code in ERRORS ? (problem.code as ErrorCode) : 'ACR_INTERNAL';
  const mistakes = (problem.errors ?? []).slice(0, 10).map((e) => `\n  ${e.path}: ${e.message}`);
  return new AcrError(code, problem.detail + mistakes.join(''), { fields });
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
