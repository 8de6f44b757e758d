/** Pieces of text of a known width, for tables and live views. Widths are in columns; no colours inside. */

/** Columns of every view: what fits a terminal that nobody has widened. */
export const WIDTH = 80;

/** Cuts or pads on the right to exactly `width`. */
export const left = (text: string, width: number): string =>
  text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);

/** Cuts or pads on the left to exactly `width`. */
export const right = (text: string, width: number): string =>
  text.length > width ? `${text.slice(0, width - 1)}…` : text.padStart(width);

/** A bar for `share` in [0, 1], `width` columns, in eighths of a column. */
export function bar(share: number, width: number, empty = '░'): string {
  const eighths = Math.round(Math.min(Math.max(share, 0), 1) * width * 8);
  const full = Math.floor(eighths / 8);
  const rest = ' ▏▎▍▌▋▊▉'[eighths % 8] ?? '';
  return ('█'.repeat(full) + (eighths % 8 ? rest : '')).padEnd(width, empty);
}

/** USD with as many digits as matter; `null` = unknown. */
export function money(usd: number | null): string {
  if (usd === null) return 'unknown';
  const size = Math.abs(usd);
  const digits = size === 0 || size >= 100 ? 2 : size >= 0.1 ? 3 : size >= 0.001 ? 5 : 7;
  return `${usd < 0 ? '-' : ''}$${size.toFixed(digits)}`;
}

/** A share in [0, 1] as whole percent; `null` = a dash. */
export const percent = (share: number | null): string =>
  share === null ? '–' : `${Math.round(share * 100)} %`;

/** A score in [0, 1] with two decimals; `null` = a dash. */
export const score = (value: number | null): string => (value === null ? '–' : value.toFixed(2));

/** Milliseconds with three figures at most, from a thousand on as seconds. */
export function duration(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
}

/** 12,345 */
export const count = (value: number): string => value.toLocaleString('en-US');

/** Breaks text into lines of at most `width` columns. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line ? `${line} ${word}` : word;
  }
  return line ? [...lines, line] : lines;
}

/** Makes text from elsewhere (ids, model names, errors) harmless on a terminal: no control characters. */
export const plain = (text: string): string =>
  text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/g, '?');
