/** Colours that stay apart for colour-blind readers (Okabe–Ito, plus greys). */
export const PALETTE = [
  '#0072b2',
  '#d55e00',
  '#009e73',
  '#cc79a7',
  '#e69f00',
  '#56b4e9',
  '#7f5fb5',
  '#8a8a8a',
];

const FONT = 'font-family="DejaVu Sans, Helvetica, Arial, sans-serif"';
const INK = '#2b2f36';
const FAINT = '#6b7280';
const GRID = '#e6e8ec';

/** Position of the plotting area inside the picture, in pixels. */
export interface Frame {
  width: number;
  height: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** A 960 × 540 picture with room for a legend at the right. */
export const WIDE: Frame = { width: 960, height: 540, left: 84, right: 250, top: 76, bottom: 64 };

/** Linear or logarithmic scale from values to pixels. */
export interface Scale {
  (value: number): number;
  ticks: number[];
}

/** Escapes a text for XML. */
export function escapeXml(text: string): string {
  return text.replace(/[<>&"]/g, (c) => ({ '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;' })[c] ?? c);
}

/** Round numbers that divide [0 or low, high] into about `count` steps. */
export function niceTicks(low: number, high: number, count = 6): number[] {
  const span = Math.max(high - low, 1e-9);
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((f) => f * power).find((s) => s >= rough) ?? rough;
  const ticks: number[] = [];
  for (let t = Math.ceil(low / step) * step; t <= high + step * 1e-6; t += step) {
    ticks.push(Math.round(t / step) * step);
  }
  return ticks;
}

/** Linear scale; the range may run downwards. */
export function linear(low: number, high: number, from: number, to: number): Scale {
  const span = Math.max(high - low, 1e-9);
  return Object.assign((v: number) => from + ((v - low) / span) * (to - from), {
    ticks: niceTicks(low, high),
  });
}

/** Logarithmic scale with ticks at 1, 2 and 5 times powers of ten. */
export function logarithmic(low: number, high: number, from: number, to: number): Scale {
  const a = Math.log10(low);
  const span = Math.max(Math.log10(high) - a, 1e-9);
  const ticks: number[] = [];
  for (let e = Math.floor(a); e <= Math.ceil(a + span); e += 1) {
    for (const f of [1, 2, 5]) {
      const t = f * 10 ** e;
      if (t >= low * 0.999 && t <= high * 1.001) ticks.push(t);
    }
  }
  return Object.assign((v: number) => from + ((Math.log10(v) - a) / span) * (to - from), { ticks });
}

/** Text element. */
export function label(
  x: number,
  y: number,
  text: string,
  style: { size?: number; weight?: string; color?: string; anchor?: string; transform?: string } = {},
): string {
  const { size = 13, weight = 'normal', color = INK, anchor = 'start', transform } = style;
  const turn = transform ? ` transform="${transform}"` : '';
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${FONT} font-size="${size}" font-weight="${weight}" fill="${color}" text-anchor="${anchor}"${turn}>${escapeXml(text)}</text>`;
}

const plain = (value: number) => value.toLocaleString('en-US', { maximumFractionDigits: 6 });

/** Title, subtitle, grid, ticks and axis names around `body`. */
export function chart(options: {
  frame: Frame;
  title: string;
  subtitle: string;
  x: Scale;
  y: Scale;
  xName: string;
  yName: string;
  xTick?: (value: number) => string;
  yTick?: (value: number) => string;
  body: string;
}): string {
  const { frame: f, x, y } = options;
  const right = f.width - f.right;
  const floor = f.height - f.bottom;
  const parts: string[] = [
    label(f.left, 32, options.title, { size: 19, weight: 'bold' }),
    label(f.left, 54, options.subtitle, { size: 13, color: FAINT }),
  ];
  for (const t of y.ticks) {
    const py = y(t).toFixed(1);
    parts.push(`<line x1="${f.left}" x2="${right}" y1="${py}" y2="${py}" stroke="${GRID}"/>`);
    parts.push(label(f.left - 10, y(t) + 4, (options.yTick ?? plain)(t), { color: FAINT, anchor: 'end' }));
  }
  for (const t of x.ticks) {
    parts.push(label(x(t), floor + 22, (options.xTick ?? plain)(t), { color: FAINT, anchor: 'middle' }));
    parts.push(
      `<line x1="${x(t).toFixed(1)}" x2="${x(t).toFixed(1)}" y1="${floor}" y2="${floor + 5}" stroke="#9aa1ac"/>`,
    );
  }
  parts.push(`<line x1="${f.left}" x2="${right}" y1="${floor}" y2="${floor}" stroke="#9aa1ac"/>`);
  const middle = (f.top + floor) / 2;
  parts.push(label((f.left + right) / 2, f.height - 16, options.xName, { anchor: 'middle' }));
  parts.push(label(22, middle, options.yName, { anchor: 'middle', transform: `rotate(-90 22 ${middle})` }));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${f.width} ${f.height}" width="${f.width}" height="${f.height}">\n<rect width="100%" height="100%" fill="#ffffff"/>\n${parts.join('\n')}\n${options.body}\n</svg>\n`;
}

/**
 * Moves positions apart until neighbours are at least `gap` pixels from each other, each group staying around its
 * middle and within [low, high]; order is kept. Pooled adjacent violators on positions less their rank × gap.
 */
export function spreadApart(positions: readonly number[], gap: number, low: number, high: number): number[] {
  const order = positions.map((p, i) => ({ p, i })).sort((a, b) => a.p - b.p);
  const pools: { sum: number; n: number }[] = [];
  order.forEach(({ p }, rank) => {
    let pool = { sum: p - rank * gap, n: 1 };
    for (let last = pools.at(-1); last && last.sum / last.n > pool.sum / pool.n; last = pools.at(-1)) {
      pool = { sum: pool.sum + last.sum, n: pool.n + last.n };
      pools.pop();
    }
    pools.push(pool);
  });
  const most = high - (order.length - 1) * gap;
  const out = [...positions];
  let rank = 0;
  for (const { sum, n } of pools) {
    const base = Math.max(Math.min(sum / n, most), low);
    for (let k = 0; k < n; k += 1, rank += 1) out[order[rank]?.i ?? 0] = base + rank * gap;
  }
  return out;
}
