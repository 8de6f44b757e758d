import { paint } from './output';
import type { RunProgress } from './run-follower';
import { bar, count, duration, left, money, percent, plain, right, WIDTH } from './text-layout';

/** Shows a run's progress on stderr while it lasts. */
export interface RunViewer {
  update(progress: RunProgress): void;
  /** Draws the last state and leaves the cursor below it. */
  close(): void;
}

/** Redraws at most so often, ms. */
const FRAME_MS = 100;
/** Without a terminal: a line at most so often, ms. */
const LINE_MS = 5_000;

/** A live table on a terminal, else a line now and then. */
export function openRunView(stream: NodeJS.WriteStream = process.stderr): RunViewer {
  return stream.isTTY ? new LiveView(stream) : new LineView(stream);
}

class LineView implements RunViewer {
  private writtenAt = Date.now();
  private latest: RunProgress | undefined;
  private written = '';

  constructor(private readonly stream: NodeJS.WritableStream) {}

  update(progress: RunProgress): void {
    this.latest = progress;
    if (Date.now() - this.writtenAt >= LINE_MS) this.write();
  }

  close(): void {
    this.write();
  }

  private write(): void {
    this.writtenAt = Date.now();
    if (!this.latest) return;
    const line = `  ${summary(this.latest)}`;
    if (line !== this.written) this.stream.write(`${line}\n`);
    this.written = line;
  }
}

class LiveView implements RunViewer {
  private lines = 0;
  private drawnAt = 0;
  private timer: NodeJS.Timeout | undefined;
  private latest: RunProgress | undefined;

  constructor(private readonly stream: NodeJS.WriteStream) {}

  update(progress: RunProgress): void {
    this.latest = progress;
    const wait = this.drawnAt + FRAME_MS - Date.now();
    if (wait <= 0) this.draw();
    else this.timer ??= setTimeout(() => this.draw(), wait);
  }

  close(): void {
    this.draw();
  }

  private draw(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (!this.latest) return;
    this.drawnAt = Date.now();
    const lines = frame(this.latest);
    const up = this.lines > 0 ? `\x1b[${this.lines}A` : '';
    this.stream.write(up + lines.map((line) => `\x1b[2K${line}\n`).join('') + '\x1b[0J');
    this.lines = lines.length;
  }
}

const total = (p: RunProgress): number => Math.max(p.run.expectedTasks ?? 0, p.run.taskCount);
/** Events are ahead of the polled run, unless the follower came late. */
const settledOf = (p: RunProgress): number => Math.max(p.settled, p.run.settled);
const outcomesOf = (p: RunProgress): [string, number][] =>
  p.settled >= p.run.settled ? [...p.outcomes] : Object.entries(p.run.outcomes);

function summary(p: RunProgress): string {
  const outcomes = outcomesOf(p).map(([name, n]) => `${n} ${name}`);
  const attempts = Math.max(p.attempts, p.run.attempts);
  const elapsed = duration(Date.now() - p.startedAtMs);
  return `${settledOf(p)}/${total(p)} settled (${outcomes.join(', ') || 'none yet'}), ${attempts} attempts, ${elapsed}`;
}

/** The lines of the live table, at most 80 columns each. */
function frame(p: RunProgress): string[] {
  const settled = settledOf(p);
  const all = total(p);
  const elapsedMs = Date.now() - p.startedAtMs;
  const leftMs = settled > 2 && settled < all ? (elapsedMs / settled) * (all - settled) : null;
  const clock = `${duration(elapsedMs)}${leftMs === null ? '' : `, about ${duration(leftMs)} left`}`;
  const cost = `${money(p.run.costUsd)}${p.run.unknownCalls > 0 ? ` + ${p.run.unknownCalls} unknown` : ''}`;
  const outcomes = outcomesOf(p).map(([name, n]) =>
    name === 'solved' ? paint.green(`${n} solved`) : paint.yellow(`${n} ${name}`),
  );
  const title = left(`run ${plain(p.run.id)}  ${plain(p.run.name ?? '')}`, WIDTH - 12);
  return [
    ` ${paint.bold(title)}${p.run.simulated ? paint.yellow(' SIMULATED') : ''}`,
    ` ${paint.green(bar(all ? settled / all : 0, 36))} ${settled}/${all}  ${paint.dim(clock)}`,
    ` ${outcomes.join('  ') || paint.dim('none settled yet')}  ${paint.dim(`${Math.max(p.attempts, p.run.attempts)} attempts  ${cost}`)}`,
    ...modelLines(p),
    ...p.recent.slice(0, 5).map(eventLine),
  ];
}

function modelLines(p: RunProgress): string[] {
  const models = [...p.models].sort((a, b) => b[1] - a[1]).slice(0, 8);
  const most = models[0]?.[1] ?? 1;
  return models.map(
    ([model, n]) =>
      ` ${left(plain(model), 34)}${right(count(n), 6)} ${paint.cyan(bar(n / most, 20, ' '))} ${paint.dim(percent(n / p.attempts))}`,
  );
}

function eventLine(event: RunProgress['recent'][number]): string {
  const { data } = event;
  const name = left(plain(String(data.externalId ?? event.taskId ?? '')), 28);
  const at = paint.dim(event.at.slice(11, 19));
  const what = {
    'task.decided': `attempt ${String(data.attempt)}: ${plain(String(data.model))}`,
    'task.attempt-finished':
      typeof data.score === 'number' ? `scored ${data.score.toFixed(2)}` : plain(String(data.kind)),
    'task.settled': plain(String(data.outcome)),
  }[event.type];
  const colour = data.outcome === 'solved' ? paint.green : (text: string) => text;
  return ` ${at} ${name} ${colour(left(what ?? 'accepted', 40).trimEnd())}`;
}
