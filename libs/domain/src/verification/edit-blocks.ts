import { Refused } from './hunks';

/** A fenced block of an answer. */
export interface Block {
  /** Text after the opening fence, e.g. `ts src/a.ts`. */
  info: string;
  /** Nearest line above that is not empty, where models write the file's name. */
  above: string;
  text: string;
}

/** Whether a block holds a unified diff. */
export const isDiff = (block: Block): boolean =>
  /^(diff|patch|udiff)\b/i.test(block.info) ||
  (/^@@ .*@@/m.test(block.text) && /^--- .*\n\+\+\+ /m.test(block.text));

/** A diff outside of any fence, or nothing. */
export function bareDiff(answer: string): string[] {
  const start = answer.search(/^(diff --git |--- .*\r?\n\+\+\+ )/m);
  return start < 0 ? [] : [answer.slice(start)];
}

/** Fenced blocks, with what stands around the opening fence. @throws Refused when the last one never ends */
export function readBlocks(answer: string): Block[] {
  const blocks: Block[] = [];
  let above = '';
  let open: { marker: string; info: string; above: string; lines: string[] } | null = null;
  for (const raw of answer.split('\n')) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (open === null) {
      const [, marker, info = ''] = /^(`{3,}|~{3,})([^`]*)$/.exec(line) ?? [];
      if (marker) open = { marker, info: info.trim(), above, lines: [] };
      else if (line.trim()) above = line.trim();
    } else if (line.trim().startsWith(open.marker) && !/[^`~]/.test(line.trim())) {
      blocks.push({ info: open.info, above: open.above, text: open.lines.join('\n') });
      open = null;
      above = '';
    } else open.lines.push(line);
  }
  if (open) throw new Refused('the answer is cut off inside a code block');
  return blocks;
}

/** Words around a block's opening fence that can be the name of its file, without the marks of Markdown. */
export const namingWords = (block: Block): string[] =>
  [block.above, ...block.info.split(/\s+/)].map((word) =>
    word
      .replace(/^(path|file|filename|title)\s*[:=]\s*/i, '')
      .replace(/^[#*\s`"'([{]+|[*\s`"':)\]}]+$/g, '')
      .replace(/^\.\//, ''),
  );
