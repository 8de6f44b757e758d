/** A fenced block of a Markdown reply. */
export interface Fence {
  /** First word after the fence in lower case, or '' where there is none. */
  tag: string;
  text: string;
  /** Whether the closing fence is there; a reply cut off by its token limit has none. */
  closed: boolean;
}

const OPENING = /^(\s*)(`{3,}|~{3,})/;

/** The opening fence on a line, or `null`. What follows a fence of backticks may hold none (CommonMark §4.5). */
function openingOf(line: string): { marker: string; indent: number; tag: string; lines: string[] } | null {
  const [whole = '', indent = '', marker] = OPENING.exec(line) ?? [];
  if (!marker) return null;
  const info = line.slice(whole.length);
  if (info.includes('`')) return null;
  return {
    marker,
    indent: indent.length,
    tag: info.trim().split(/\s/, 1)[0]?.toLowerCase() ?? '',
    lines: [],
  };
}

const withoutIndent = (line: string, indent: number) => {
  const own = line.length - line.trimStart().length;
  return line.slice(Math.min(own, indent));
};

/** Finds fenced blocks in order (CommonMark §4.5, with any indentation, since lists indent them). */
export function findFences(text: string): Fence[] {
  const fences: Fence[] = [];
  let open: ReturnType<typeof openingOf> = null;
  for (const line of text.split('\n')) {
    if (open === null) {
      open = openingOf(line);
      continue;
    }
    const trimmed = line.trim();
    const closes = trimmed.length >= open.marker.length && trimmed === open.marker[0]?.repeat(trimmed.length);
    if (closes) {
      fences.push({ tag: open.tag, text: open.lines.join('\n'), closed: true });
      open = null;
    } else {
      open.lines.push(withoutIndent(line, open.indent));
    }
  }
  if (open) fences.push({ tag: open.tag, text: open.lines.join('\n'), closed: false });
  return fences;
}
