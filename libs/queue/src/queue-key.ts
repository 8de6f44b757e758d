import { QUEUES, QUEUE_NAMES } from '@acrouter/contracts/catalogue';
import type { QueueName } from '@acrouter/contracts/catalogue';
import { AcrError } from '@acrouter/domain/errors';

/** Longest encoded name; NOTIFY payloads and Redis keys would take more, people would not. */
const MAX_ENCODED_CHARS = 400;
const PLAIN = /^[A-Za-z0-9._-]+$/;

/**
 * Writes any text with letters, digits, `.`, `_` and `-`; every other byte of its UTF-8 becomes `~hh`.
 * Injective, so two model names never share a queue. All digits get `~-` in front: BullMQ refuses integers
 * as job ids, and `:` is not in the alphabet, which it refuses too.
 */
export function encodeName(text: string): string {
  // Our own ids need no encoding.
  if (PLAIN.test(text) && text.length <= MAX_ENCODED_CHARS && !/^\d+$/.test(text)) return text;
  const encoded = [...Buffer.from(text, 'utf8')]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      return /[A-Za-z0-9._-]/.test(char) ? char : `~${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');
  if (encoded === '' || encoded.length > MAX_ENCODED_CHARS)
    throw new AcrError(
      'ACR_INVALID_MESSAGE',
      `A queue key or job id must have 1 to ${MAX_ENCODED_CHARS} characters after encoding: "${text.slice(0, 80)}"`,
    );
  return /^\d+$/.test(encoded) ? `~-${encoded}` : encoded;
}

/** Inverse of `encodeName`. */
export function decodeName(encoded: string): string {
  if (!encoded.includes('~')) return encoded;
  const body = encoded.startsWith('~-') ? encoded.slice(2) : encoded;
  const bytes = body
    .split(/(~[0-9a-f]{2})/)
    .filter((part) => part !== '')
    .map((part) => (/^~[0-9a-f]{2}$/.test(part) ? Buffer.from(part.slice(1), 'hex') : Buffer.from(part)));
  return Buffer.concat(bytes).toString('utf8');
}

/** Name of the BullMQ queue: `verify`, `execute.gpt-5.4`, `execute.openai~2fgpt-5.4`. */
export function physicalName(queue: QueueName, key: string | undefined): string {
  if (!QUEUES[queue].keyed) return queue;
  if (!key)
    throw new AcrError(
      'ACR_INVALID_MESSAGE',
      `Queue "${queue}" has one queue per key: publish with options.key`,
    );
  return `${queue}.${encodeName(key)}`;
}

/** Inverse of `physicalName`; `null` for a name that is none of the catalogue's. */
export function parsePhysicalName(name: string): { queue: QueueName; key?: string } | null {
  const [head, ...rest] = name.split('.');
  const queue = QUEUE_NAMES.find((known) => known === head);
  if (!queue || QUEUES[queue].keyed !== rest.length > 0) return null;
  return QUEUES[queue].keyed ? { queue, key: decodeName(rest.join('.')) } : { queue };
}

/** The key of a message on a keyed queue when the publisher names none: the model of an `execute`. */
export function keyOf(queue: QueueName, payload: unknown): string | undefined {
  if (!QUEUES[queue].keyed) return undefined;
  const model = (payload as { model?: unknown } | null)?.model;
  return typeof model === 'string' ? model : undefined;
}
