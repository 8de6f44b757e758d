import type { CollectProgress } from '@acrouter/refactor/collect';
import { paint } from './output';
import { bar, duration, money } from './text-layout';

/** Without a terminal: a line at most so often, ms. */
const LINE_MS = 5_000;

/** One line on stderr that follows a refactor, with cost and time left; other lines go above it. */
export interface ProgressLine {
  update(progress: CollectProgress): void;
  say(line: string): void;
  close(): void;
}

/** Opens it; redrawn in place on a terminal, else written now and then. */
export function openProgressLine(stream: NodeJS.WriteStream = process.stderr): ProgressLine {
  const clock = { startedAt: Date.now(), writtenAt: 0 };
  let drawn = '';
  const clear = () => {
    if (stream.isTTY && drawn) stream.write('\r\x1b[2K');
    drawn = '';
  };
  return {
    update(progress) {
      const line = progressText(progress, Date.now() - clock.startedAt);
      if (stream.isTTY) {
        clear();
        stream.write((drawn = line));
      } else if (Date.now() - clock.writtenAt >= LINE_MS) {
        clock.writtenAt = Date.now();
        stream.write(`${line}\n`);
      }
    },
    say(line) {
      clear();
      stream.write(`${line}\n`);
    },
    close: clear,
  };
}

/** E.g. `████░░ 12/40  9 solved  $0.012  31.0 s, about 1 min 12 s left`. Pure. */
export function progressText(progress: CollectProgress, elapsedMs: number): string {
  const { settled, total, solved, costUsd, unknownCalls, leftMs } = progress;
  const time = `${duration(elapsedMs)}${leftMs === null ? '' : `, about ${duration(leftMs)} left`}`;
  const cost = `${money(costUsd)}${unknownCalls > 0 ? ` + ${unknownCalls} unknown` : ''}`;
  const simulated = progress.simulated ? ` ${paint.yellow('SIMULATED')}` : '';
  return `${bar(total ? settled / total : 0, 16)} ${settled}/${total}  ${solved} solved  ${cost}  ${time}${simulated}`;
}
