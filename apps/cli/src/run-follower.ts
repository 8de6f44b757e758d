import type { RunEvent, RunView } from '@acrouter/contracts/http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayClient } from './gateway-client';

/** Beside the events, the run itself is asked so often, ms: an event that never came must not make us wait for ever. */
const POLL_MS = 5_000;

/** A run while it is followed. */
export interface RunProgress {
  run: RunView;
  /** What happened last, newest first, at most eight. */
  recent: readonly RunEvent[];
  /** Settled tasks by outcome, as the events say; ahead of `run` between two polls. */
  outcomes: ReadonlyMap<string, number>;
  settled: number;
  attempts: number;
  /** Attempts by model. */
  models: ReadonlyMap<string, number>;
  startedAtMs: number;
}

/**
 * Follows a run until all its tasks are settled, or Ctrl-C.
 * @param onProgress called after every event and poll
 * @param limit ends the following when it is aborted
 * @returns the finished run, `null` after Ctrl-C or the limit
 */
export async function followRun(
  client: GatewayClient,
  runId: string,
  onProgress: (progress: RunProgress) => void,
  limit?: AbortSignal,
): Promise<RunView | null> {
  const stop = new AbortController();
  let interrupted = false;
  const interrupt = () => {
    interrupted = true;
    stop.abort();
  };
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  limit?.addEventListener('abort', interrupt);
  try {
    const tally = new Tally(await client.run(runId, stop.signal), onProgress);
    if (tally.run.status !== 'finished')
      await Promise.race([listen(client, tally, stop.signal), poll(client, tally, stop.signal)]);
    if (interrupted) return null;
    // What the last events told may not have been everything.
    tally.refresh(await client.run(runId, stop.signal));
    return tally.run;
  } catch (error) {
    if (interrupted) return null;
    throw error;
  } finally {
    stop.abort();
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
    limit?.removeEventListener('abort', interrupt);
  }
}

async function listen(client: GatewayClient, tally: Tally, signal: AbortSignal): Promise<void> {
  for await (const event of client.events(tally.run.id, signal)) {
    if (event.type === 'run.finished') return;
    tally.add(event);
  }
}

async function poll(client: GatewayClient, tally: Tally, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && tally.run.status !== 'finished') {
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
    if (!signal.aborted) tally.refresh(await client.run(tally.run.id, signal));
  }
}

/** Counts what the events tell. */
class Tally implements RunProgress {
  recent: RunEvent[] = [];
  readonly outcomes = new Map<string, number>();
  readonly models = new Map<string, number>();
  settled = 0;
  attempts = 0;
  readonly startedAtMs: number;

  constructor(
    public run: RunView,
    private readonly onProgress: (progress: RunProgress) => void,
  ) {
    this.startedAtMs = Date.parse(run.createdAt);
    onProgress(this);
  }

  refresh(run: RunView): void {
    this.run = run;
    this.onProgress(this);
  }

  add(event: RunEvent): void {
    const { model, outcome } = event.data;
    if (event.type === 'task.decided' && typeof model === 'string') {
      this.attempts++;
      this.models.set(model, (this.models.get(model) ?? 0) + 1);
    }
    if (event.type === 'task.settled') {
      this.settled++;
      const key = String(outcome);
      this.outcomes.set(key, (this.outcomes.get(key) ?? 0) + 1);
    }
    this.recent = [event, ...this.recent].slice(0, 8);
    this.onProgress(this);
  }
}
