import { setTimeout as sleep } from 'node:timers/promises';
import { AcrError } from '@acrouter/domain/errors';
import { normalise, type Embedder } from './embedder';

export interface HttpEmbedderOptions {
  /** Full address of an OpenAI-compatible endpoint, e.g. http://127.0.0.1:8080/v1/embeddings. */
  url: string;
  /** What the server calls the model. Default: none is sent (servers with a single model). */
  model?: string;
  apiKey?: string | null;
  /** Per request, default 10,000 ms. */
  timeoutMs?: number;
  /** Requests per text, the first included, default 4. */
  maxTries?: number;
  /** Longest text sent, in characters; the rest is cut off. Default 24,000 (about 6,000 tokens). */
  maxChars?: number;
  /** First pause between tries, doubled each time, default 250 ms. */
  backoffMs?: number;
}

const RETRYABLE = new Set([408, 429, 500, 502, 503, 504]);
const MAX_PAUSE_MS = 10_000;

/**
 * An embedder over HTTP (voyage-code-3, TEI, Ollama, OpenAI). Asks the server once, to learn the length of its
 * vectors.
 * @throws AcrError ACR_PROVIDER_OUTAGE or ACR_PROVIDER_REFUSED as `embed` does.
 */
export async function connectHttpEmbedder(
  options: HttpEmbedderOptions,
  signal?: AbortSignal,
): Promise<Embedder> {
  const first = await request(options, 'def add(a, b):', signal);
  const dimensions = first.length;
  const id = `http/${options.model ?? 'default'}/${dimensions}`;
  return {
    id,
    dimensions,
    embed: async (text, abort) => {
      const vector = await request(options, text, abort);
      if (vector.length !== dimensions)
        throw new AcrError(
          'ACR_PROVIDER_REFUSED',
          `${options.url} answered a vector of ${vector.length} where it had answered ${dimensions}. ` +
            'Its model changed: restart the memory service.',
        );
      return vector;
    },
  };
}

/** What one request came to. */
type Reply =
  | { kind: 'vector'; vector: Float32Array }
  | { kind: 'again'; why: string; pauseMs: number | null; cause?: unknown }
  | { kind: 'refused'; why: string };

async function request(
  options: HttpEmbedderOptions,
  text: string,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const tries = options.maxTries ?? 4;
  let last: Reply = { kind: 'again', why: 'was not asked', pauseMs: null };
  for (let attempt = 1; attempt <= tries; attempt++) {
    signal?.throwIfAborted();
    last = await requestOnce(options, text, signal);
    if (last.kind === 'vector') return last.vector;
    if (last.kind === 'refused')
      throw new AcrError(
        'ACR_PROVIDER_REFUSED',
        `${options.url} ${last.why}. Check the ACR_EMBEDDINGS_* variables.`,
      );
    const backoff = (options.backoffMs ?? 250) * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
    const pauseMs = Math.min(MAX_PAUSE_MS, last.pauseMs ?? backoff);
    if (attempt < tries) await sleep(pauseMs, undefined, { signal });
  }
  const { why, cause } = last as Extract<Reply, { kind: 'again' }>;
  throw new AcrError('ACR_PROVIDER_OUTAGE', `${options.url} ${why}, ${tries} times in a row.`, { cause });
}

async function requestOnce(options: HttpEmbedderOptions, text: string, signal?: AbortSignal): Promise<Reply> {
  // An empty input is refused by most servers.
  const input = text.slice(0, options.maxChars ?? 24_000).toWellFormed() || ' ';
  const timeout = AbortSignal.timeout(options.timeoutMs ?? 10_000);
  try {
    const response = await fetch(options.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(options.apiKey ? { authorization: `Bearer ${options.apiKey}` } : {}),
      },
      body: JSON.stringify({ input, model: options.model, encoding_format: 'float' }),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    const body = await response.text();
    if (response.ok) return parseVector(body);
    const why = `answered ${response.status}`;
    return RETRYABLE.has(response.status)
      ? { kind: 'again', why, pauseMs: retryAfterMs(response.headers.get('retry-after')) }
      : { kind: 'refused', why };
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    return { kind: 'again', why: timeout.aborted ? 'timed out' : 'did not answer', pauseMs: null, cause };
  }
}

/** A body that does not hold one vector of finite numbers is a broken reply, worth another try. */
function parseVector(body: string): Reply {
  const broken: Reply = { kind: 'again', why: 'answered without an embedding', pauseMs: null };
  try {
    const parsed = JSON.parse(body) as { data?: { embedding?: unknown }[] };
    const embedding = parsed?.data?.[0]?.embedding;
    if (!Array.isArray(embedding) || !embedding.every((x) => typeof x === 'number')) return broken;
    return { kind: 'vector', vector: normalise(Float32Array.from(embedding)) };
  } catch {
    return broken;
  }
}

function retryAfterMs(header: string | null): number | null {
  const seconds = header === null ? NaN : Number(header);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : null;
}
