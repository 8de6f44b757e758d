import type { Benchmark } from './benchmark';
import { chart, label, linear, PALETTE, spreadApart, WIDE } from './chart';
import type { ReplayRow } from './rows';
import { spread } from './rows';
import type { StreamResult } from './stream';

/** Lines in one picture; more cannot be told apart. */
const MAX_LINES = 8;

const colorOf = (index: number, row: ReplayRow) =>
  row.default
    ? '#d62728'
    : row.policy.startsWith('published:')
      ? '#2b2f36'
      : (PALETTE[index % PALETTE.length] ?? '#888');

/** What was replayed, in words. */
export const settingOf = (row: ReplayRow) =>
  `${row.maxAttempts === 1 ? 'one attempt' : `up to ${row.maxAttempts} attempts`}, ` +
  `$1 = ${row.costWeight} points, prior ${row.prior.split('/').pop() ?? ''}` +
  (row.verifierNoise > 0 ? `, ${100 * row.verifierNoise} % wrong verdicts` : '');

/** Cumulative regret over the stream (mean over orders) with a band of one sd for the default policy. */
export function regretPlot(
  benchmark: Benchmark,
  rows: readonly ReplayRow[],
  streams: ReadonlyMap<string, StreamResult[]>,
): string {
  const drawn = worthDrawing(rows);
  const frame = WIDE;
  const floor = frame.height - frame.bottom;
  const right = frame.width - frame.right;
  const tasks = Math.max(...drawn.map((row) => row.tasks), 1);
  const top = Math.max(...drawn.map((row) => row.cumReg.mean), 1e-3) * 1.05;
  const x = linear(0, tasks, frame.left, right);
  const y = linear(0, top, floor, frame.top);
  const ends = spreadApart(
    drawn.map((row) => y(row.cumReg.mean)),
    18,
    frame.top,
    floor,
  );
  const body = drawn.map((row, i) => {
    const curves = (streams.get(row.policy) ?? []).map((s) => s.curve);
    const points = (curves[0] ?? []).map((_, at) => spread(curves.map((c) => c[at] ?? 0)));
    const px = (at: number) => x(((at + 1) / Math.max(points.length, 1)) * tasks).toFixed(1);
    const line = points.map((p, at) => `${px(at)},${y(p.mean).toFixed(1)}`).join(' ');
    const color = colorOf(i, row);
    const upper = points.map((p, at) => `${px(at)},${y(Math.min(p.mean + p.sd, top)).toFixed(1)}`);
    const lower = points.map((p, at) => `${px(at)},${y(Math.max(p.mean - p.sd, 0)).toFixed(1)}`).reverse();
    const band = row.default
      ? `<polygon points="${[...upper, ...lower].join(' ')}" fill="${color}" opacity="0.12"/>`
      : '';
    const dash = row.policy.startsWith('published:') ? ' stroke-dasharray="6 4"' : '';
    const name = `${shortName(row.policy)}  ${row.cumReg.mean.toFixed(1)}`;
    return (
      `${band}${leader(right, y(row.cumReg.mean), ends[i] ?? 0, color)}<polyline points="${x(0).toFixed(1)},${y(0).toFixed(1)} ${line}" fill="none" stroke="${color}" stroke-width="${row.default ? 3 : 1.8}"${dash}/>` +
      label(right + 22, (ends[i] ?? 0) + 4, name, {
        color,
        weight: row.default ? 'bold' : 'normal',
        size: 12,
      })
    );
  });
  return chart({
    frame,
    title: 'Regret against the best single model of each task',
    subtitle: `${benchmark.name}; ${rows[0] ? settingOf(rows[0]) : ''}; lower is better`,
    x,
    y,
    xName: 'tasks seen',
    yName: 'cumulative regret (score points)',
    body: body.join('\n'),
  });
}

/** The best policies, the product's default and the best published decisions among them in any case; best first. */
function worthDrawing(rows: readonly ReplayRow[]): ReplayRow[] {
  const always = [rows.find((r) => r.default), rows.find((r) => r.policy.startsWith('published:'))];
  const others = rows.filter((row) => !always.includes(row));
  const room = MAX_LINES - always.filter((row) => row !== undefined).length;
  const kept = new Set([...always, ...others.slice(0, room)]);
  return rows.filter((row) => kept.has(row));
}

/** From a curve's end to its name. */
function leader(x: number, from: number, to: number, color: string): string {
  const points = `${x + 3},${from.toFixed(1)} ${x + 8},${from.toFixed(1)} ${x + 15},${to.toFixed(1)} ${x + 19},${to.toFixed(1)}`;
  return `<polyline points="${points}" fill="none" stroke="${color}" stroke-width="0.8" opacity="0.7"/>`;
}

/** A policy's name, short enough for a picture. */
export const shortName = (policy: string) =>
  policy.replace('published:', 'pub. ').replace('finetuned_router_', 'ft_').slice(0, 28);

/** Share of each model among first attempts over the stream, mean over orders, for one policy. */
export function sharePlot(benchmark: Benchmark, row: ReplayRow, streams: readonly StreamResult[]): string {
  const frame = WIDE;
  const floor = frame.height - frame.bottom;
  const right = frame.width - frame.right;
  const slices = streams[0]?.shares.length ?? 0;
  const x = linear(0, row.tasks, frame.left, right);
  const y = linear(0, 1, floor, frame.top);
  const share = (slice: number, model: number) =>
    spread(streams.map((s) => s.shares[slice]?.[model] ?? 0)).mean;
  const below = new Array<number>(slices).fill(0);
  const middles: number[] = [];
  const px = (slice: number) => x(((slice + 0.5) / slices) * row.tasks);
  const edge = (values: readonly number[]) => {
    const inner = values.map((v, s) => [px(s), y(v)] as const);
    return [[frame.left, y(values[0] ?? 0)] as const, ...inner, [right, y(values[slices - 1] ?? 0)] as const];
  };
  const areas = benchmark.models.map((_, m) => {
    const bottom = [...below];
    for (let s = 0; s < slices; s += 1) below[s] = (below[s] ?? 0) + share(s, m);
    middles.push(y(((bottom[slices - 1] ?? 0) + (below[slices - 1] ?? 0)) / 2));
    const points = [...edge(below), ...edge(bottom).reverse()].map(
      ([a, b]) => `${a.toFixed(1)},${b.toFixed(1)}`,
    );
    return `<polygon points="${points.join(' ')}" fill="${PALETTE[m % PALETTE.length] ?? '#888'}" opacity="0.85" stroke="#fff" stroke-width="0.8"/>`;
  });
  const ends = spreadApart(middles, 18, frame.top + 6, floor - 4);
  const names = benchmark.models.map((model, m) =>
    label(right + 12, (ends[m] ?? 0) + 4, `${model.id}  ${(100 * share(slices - 1, m)).toFixed(0)} %`, {
      color: PALETTE[m % PALETTE.length] ?? '#888',
      size: 12,
    }),
  );
  return chart({
    frame,
    title: `Which model goes first: ${row.policy}`,
    subtitle: `${benchmark.name}; ${settingOf(row)}`,
    x,
    y,
    xName: 'tasks seen',
    yName: 'share of first attempts',
    yTick: (t) => `${Math.round(100 * t)} %`,
    body: [...areas, ...names].join('\n'),
  });
}
