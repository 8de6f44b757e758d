/** Bytes of the system prompt and chat framing that the executor adds, rounded up. */
const FRAMING_BYTES = 700;
/** Code and prose take 3 to 4 bytes per token with today's tokenizers; digits and noise down to 2.5. */
const BYTES_PER_TOKEN = 2.5;

/** Upper bound of a request's input tokens for a prompt of `promptBytes` UTF-8 bytes. */
export function inputTokensBound(promptBytes: number): number {
  return Math.ceil((promptBytes + FRAMING_BYTES) / BYTES_PER_TOKEN) + 64;
}
