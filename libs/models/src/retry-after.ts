/**
 * How long the provider asks to wait, ms, or `undefined`.
 * Understands `retry-after-ms` (OpenAI), and `retry-after` as seconds or as an HTTP date (RFC 9110, §10.2.3).
 * @param headers names in lower case. @param nowMs Unix time, for dates.
 */
export function retryAfterMs(
  headers: Readonly<Record<string, string>> | undefined,
  nowMs: number,
): number | undefined {
  const exact = number(headers?.['retry-after-ms']);
  if (exact !== undefined) return Math.round(exact);
  const text = headers?.['retry-after'];
  const seconds = number(text);
  if (seconds !== undefined) return Math.round(seconds * 1_000);
  const date = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

function number(text: string | undefined): number | undefined {
  if (text === undefined || !/^\s*\d+(\.\d+)?\s*$/.test(text)) return undefined;
  return Number(text);
}
