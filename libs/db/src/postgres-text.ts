/** Escapes that Postgres refuses inside jsonb: NUL and lone surrogates, each behind an even run of backslashes. */
const REFUSED_ESCAPE = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g;

/** JSON text for a jsonb column; characters that Postgres refuses become U+FFFD. */
export function json(value: unknown): string {
  const text = JSON.stringify(value);
  // Nearly no text has such an escape, and to know it is quicker than to look for one.
  return text.includes('\\u') ? text.replace(REFUSED_ESCAPE, '$1\\ufffd') : text;
}

/** Text for a text column; characters that Postgres refuses become U+FFFD. */
export function text(value: string): string {
  return value.replaceAll('\0', '\ufffd').toWellFormed();
}
