import type { Benchmark } from './benchmark';
import { chart, escapeXml, label, linear, logarithmic, PALETTE, spreadApart, WIDE } from './chart';
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

const settingOf = (row: ReplayRow) =>
  `${row.maxAttempts === 1 ? 'one attempt' : `up to ${row.maxAttempts} attempts`}, ` +
  `$1 = ${row.costWeight} points, prior ${row.prior.split('/').pop() ?? ''}` +
  (row.verifierNoise > 0 ? `, ${100 * row.verifierNoise} % wrong verdicts` : '');

/** Cumulative regret over the stream (mean over orders) with a band of one sd for the default policy. */
export function regretPlot(
  benchmark: Benchmark,
  rows: readonly ReplayRow[],
  streams: ReadonlyMap<string, StreamResult[]>,
): string {
  const drawn = rows.slice(0, MAX_LINES);
  const { frame } = { frame: WIDE };
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
      `${band}<polyline points="${x(0).toFixed(1)},${y(0).toFixed(1)} ${line}" fill="none" stroke="${color}" stroke-width="${row.default ? 3 : 1.8}"${dash}/>` +
      label(right + 12, (ends[i] ?? 0) + 4, name, {
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

const shortName = (policy: string) =>
  policy.replace('published:', 'pub. ').replace('finetuned_router_', 'ft_').slice(0, 28);

/** Mean score against dollars spent; the line joins the policies that nobody beats in both. */
export function paretoPlot(benchmark: Benchmark, rows: readonly ReplayRow[]): string {
  const shown = rows.filter((row) => row.costUsd > 0);
  const frame = { ...WIDE, right: 60 };
  const floor = frame.height - frame.bottom;
  const right = frame.width - frame.right;
  const costs = shown.map((row) => row.costUsd);
  const scores = shown.map((row) => row.avgPerf);
  const x = logarithmic(Math.min(...costs, 1) * 0.8, Math.max(...costs, 1) * 1.6, frame.left, right);
  const low = Math.min(...scores);
  const high = Math.max(...scores);
  const pad = Math.max((high - low) * 0.08, 0.5);
  const y = linear(low - pad, high + pad, floor, frame.top);
  const front = [...shown]
    .sort((a, b) => a.costUsd - b.costUsd)
    .filter((row) => !shown.some((o) => o.avgPerf > row.avgPerf && o.costUsd <= row.costUsd));
  const line = front.map((row) => `${x(row.costUsd).toFixed(1)},${y(row.avgPerf).toFixed(1)}`).join(' ');
  const labels = placeLabels(
    shown.map((row) => ({ x: x(row.costUsd), y: y(row.avgPerf), text: shortName(row.policy) })),
    right,
  );
  const dots = shown.map((row, i) => {
    const color = front.includes(row) || row.default ? colorOf(i, row) : '#9aa1ac';
    const place = labels[i];
    return (
      `<circle cx="${x(row.costUsd).toFixed(1)}" cy="${y(row.avgPerf).toFixed(1)}" r="${row.default ? 7 : 4.5}" fill="${color}"><title>${escapeXml(row.policy)}</title></circle>` +
      (place
        ? label(place.x, place.y, place.text, {
            size: 11.5,
            color,
            anchor: place.anchor,
            weight: row.default ? 'bold' : 'normal',
          })
        : '')
    );
  });
  return chart({
    frame,
    title: 'Score against spend',
    subtitle: `${benchmark.name}; ${rows[0] ? settingOf(rows[0]) : ''}; up and left is better`,
    x,
    y,
    xName: 'USD for all tasks (logarithmic)',
    yName: 'mean score (%)',
    xTick: (t) => `$${t}`,
    body: `<polyline points="${line}" fill="none" stroke="#b7bcc6" stroke-width="2" stroke-dasharray="2 4"/>\n${dots.join('\n')}`,
  });
}

interface Place {
  x: number;
  y: number;
  text: string;
  anchor: string;
}

/** Puts each label beside its dot, above or below, where it hits no other; a label without room is left out. */
function placeLabels(
  dots: readonly { x: number; y: number; text: string }[],
  right: number,
): (Place | null)[] {
  const taken: { x1: number; x2: number; y1: number; y2: number }[] = dots.map((d) => ({
    x1: d.x - 6,
    x2: d.x + 6,
    y1: d.y - 6,
    y2: d.y + 6,
  }));
  return dots.map((d) => {
    const width = d.text.length * 6.6;
    for (const [dx, dy, anchor] of [
      [10, 4, 'start'],
      [-10, 4, 'end'],
      [10, -9, 'start'],
      [-10, -9, 'end'],
      [10, 17, 'start'],
      [-10, 17, 'end'],
    ] as const) {
      const x1 = anchor === 'start' ? d.x + dx : d.x + dx - width;
      const box = { x1, x2: x1 + width, y1: d.y + dy - 10, y2: d.y + dy + 2 };
      const hits = taken.some((t) => t.x1 < box.x2 && t.x2 > box.x1 && t.y1 < box.y2 && t.y2 > box.y1);
      if (hits || box.x2 > right + 50 || box.x1 < 88) continue;
      taken.push(box);
      return { x: d.x + dx, y: d.y + dy, text: d.text, anchor };
    }
    return null;
  });
}

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
