import type { Benchmark } from './benchmark';
import { chart, escapeXml, label, linear, logarithmic, WIDE } from './chart';
import { settingOf, shortName } from './plots';
import type { ReplayRow } from './rows';

const RED = '#d62728';
const INK = '#2b2f36';
const BLUE = '#0072b2';
const GREY = '#8d949f';
/** Dots nearer than this are one dot with several names, pixels. */
const SAME_PLACE = 4;
/** Names written beside one dot; more are counted. */
const MAX_NAMES = 2;
const SIZE = 11.5;

/** Policies that lie on one place of the picture. */
interface Dot {
  x: number;
  y: number;
  rows: ReplayRow[];
  onFront: boolean;
}

/** A row that has a place in the picture: of all tasks, and of a known cost. */
type Placed = ReplayRow & { costUsd: number };

const hasPlace = (row: ReplayRow): row is Placed =>
  row.costUsd !== null && row.costUsd > 0 && row.coveredShare === undefined;

/** Mean score against dollars spent; the line joins the policies that nobody beats in both. */
export function paretoPlot(benchmark: Benchmark, rows: readonly ReplayRow[]): string {
  const shown = rows.filter(hasPlace);
  const frame = { ...WIDE, right: 60 };
  const floor = frame.height - frame.bottom;
  const right = frame.width - frame.right;
  // Where nothing was spent, or nothing is known of it, the picture is empty, and says so by having no dots.
  const costs = shown.length > 0 ? shown.map((row) => row.costUsd) : [1];
  const scores = shown.length > 0 ? shown.map((row) => row.avgPerf) : [0, 100];
  const x = logarithmic(Math.min(...costs) * 0.6, Math.max(...costs) * 1.5, frame.left, right);
  const [low, high] = [Math.min(...scores), Math.max(...scores)];
  const pad = Math.max((high - low) * 0.08, 0.5);
  const y = linear(low - pad, high + pad, floor, frame.top);
  const front = [...shown]
    .sort((a, b) => a.costUsd - b.costUsd || b.avgPerf - a.avgPerf)
    .filter(
      (row) => !shown.some((o) => o.avgPerf >= row.avgPerf && o.costUsd <= row.costUsd && differs(o, row)),
    );
  const dots = merged(
    shown.map((row) => ({ x: x(row.costUsd), y: y(row.avgPerf), row, onFront: front.includes(row) })),
  );
  const line = front.map((row) => [x(row.costUsd), y(row.avgPerf)] as const);
  const points = line.map(([a, b]) => `${a.toFixed(1)},${b.toFixed(1)}`).join(' ');
  return chart({
    frame,
    title: 'Score against spend',
    subtitle: `${benchmark.name}; ${rows[0] ? settingOf(rows[0]) : ''}; up and left is better`,
    x,
    y,
    xName: 'USD for all tasks (logarithmic)',
    yName: 'mean score (%)',
    xTick: (t) => `$${t}`,
    body: [
      `<polyline points="${points}" fill="none" stroke="#b7bcc6" stroke-width="2" stroke-dasharray="2 4"/>`,
      ...placed(dots, line, { left: frame.left, right: right + 50, top: frame.top - 14, floor }),
      ...dots.map(drawn),
    ].join('\n'),
  });
}

const differs = (a: Placed, b: Placed) => a.avgPerf > b.avgPerf || a.costUsd < b.costUsd;

function merged(points: readonly { x: number; y: number; row: ReplayRow; onFront: boolean }[]): Dot[] {
  const dots: Dot[] = [];
  for (const { x, y, row, onFront } of points) {
    const same = dots.find((d) => Math.hypot(d.x - x, d.y - y) < SAME_PLACE);
    if (same) {
      same.rows.push(row);
      same.onFront ||= onFront;
    } else dots.push({ x, y, rows: [row], onFront });
  }
  // The first to be named finds the best place.
  const rank = (dot: Dot) => (isDefault(dot) ? 0 : dot.onFront ? 1 : 2);
  return dots.sort((a, b) => rank(a) - rank(b));
}

const isDefault = (dot: Dot) => dot.rows.some((row) => row.default);

function colorOf(dot: Dot): string {
  if (isDefault(dot)) return RED;
  if (!dot.onFront) return GREY;
  return dot.rows.every((row) => row.policy.startsWith('published:')) ? INK : BLUE;
}

function nameOf({ rows }: Dot): string {
  const names = rows
    .toSorted((a, b) => Number(b.default) - Number(a.default))
    .map((r) => shortName(r.policy));
  const more = names.length - MAX_NAMES;
  return names.slice(0, MAX_NAMES).join(', ') + (more > 0 ? ` +${more}` : '');
}

function drawn(dot: Dot): string {
  const names = escapeXml(dot.rows.map((row) => row.policy).join(', '));
  return `<circle cx="${dot.x.toFixed(1)}" cy="${dot.y.toFixed(1)}" r="${isDefault(dot) ? 7 : 4.5}" fill="${colorOf(dot)}" stroke="#ffffff" stroke-width="1.2"><title>${names}</title></circle>`;
}

interface Box {
  x1: number;
  x2: number;
  y1: number;
  y2: number;
}

const around = (x: number, y: number, r: number): Box => ({ x1: x - r, x2: x + r, y1: y - r, y2: y + r });
const overlap = (a: Box, b: Box) => a.x1 < b.x2 && a.x2 > b.x1 && a.y1 < b.y2 && a.y2 > b.y1;

/** Where a label may go: beside the dot, then further and further away, with a line to its dot. */
const PLACES = [10, 24, 40, 58].flatMap((far) =>
  [0, -0.6, 0.6, -1.2, 1.2].flatMap((steep) => [
    { dx: far, dy: steep * far, anchor: 'start' as const },
    { dx: -far, dy: steep * far, anchor: 'end' as const },
  ]),
);

/** Names that cover no dot, no other name and, where possible, not the front's line. A name without room is left out. */
function placed(
  dots: readonly Dot[],
  front: readonly (readonly [number, number])[],
  bounds: { left: number; right: number; top: number; floor: number },
): string[] {
  const circles = dots.map((d) => around(d.x, d.y, 6));
  const taken = [...circles];
  const line = alongLine(front);
  return dots.flatMap((dot) => {
    const text = nameOf(dot);
    const width = text.length * (isDefault(dot) ? 7.4 : 6.7);
    const fits = (obstacles: readonly Box[]) =>
      PLACES.find(({ dx, dy, anchor }) => {
        const box = boxOf(dot, dx, dy, anchor, width);
        const inside =
          box.x1 > bounds.left && box.x2 < bounds.right && box.y1 > bounds.top && box.y2 < bounds.floor;
        const names = taken.filter((_, i) => i >= circles.length || dots[i] !== dot);
        const isFree = (b: Box, others: readonly Box[]) => !others.some((o) => overlap(o, b));
        return inside && isFree(box, obstacles) && leaderOf(dot, dx, dy).every((b) => isFree(b, names));
      });
    const place = fits([...taken, ...line]) ?? fits(taken);
    if (!place) return [];
    const { dx, dy, anchor } = place;
    taken.push(boxOf(dot, dx, dy, anchor, width), ...leaderOf(dot, dx, dy));
    const color = colorOf(dot);
    const style = { size: SIZE, color, anchor, weight: isDefault(dot) ? 'bold' : 'normal' };
    const leader =
      Math.hypot(dx, dy) > 14
        ? `<line x1="${dot.x.toFixed(1)}" y1="${dot.y.toFixed(1)}" x2="${(dot.x + dx * 0.9).toFixed(1)}" y2="${(dot.y + dy).toFixed(1)}" stroke="${color}" stroke-width="0.7" opacity="0.6"/>`
        : '';
    return [leader + label(dot.x + dx, dot.y + dy + 4, text, style)];
  });
}

/** Small boxes along the line from a dot to its name; none where the name stands beside it. */
function leaderOf({ x, y }: Dot, dx: number, dy: number): Box[] {
  if (Math.hypot(dx, dy) <= 14) return [];
  return alongLine([
    [x + dx * 0.2, y + dy * 0.2],
    [x + dx * 0.9, y + dy],
  ]);
}

function boxOf(dot: Dot, dx: number, dy: number, anchor: 'start' | 'end', width: number): Box {
  const x1 = anchor === 'start' ? dot.x + dx : dot.x + dx - width;
  return { x1, x2: x1 + width, y1: dot.y + dy - 7, y2: dot.y + dy + 7 };
}

/** Small boxes along a line, to be kept free. */
function alongLine(points: readonly (readonly [number, number])[]): Box[] {
  return points.slice(1).flatMap(([x2, y2], i) => {
    const [x1, y1] = points[i] as readonly [number, number];
    const steps = Math.max(1, Math.ceil(Math.hypot(x2 - x1, y2 - y1) / 6));
    return Array.from({ length: steps + 1 }, (_, s) =>
      around(x1 + ((x2 - x1) * s) / steps, y1 + ((y2 - y1) * s) / steps, 1.5),
    );
  });
}
