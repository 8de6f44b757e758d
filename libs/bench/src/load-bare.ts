import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BARE_PREFIX, BARE_PROCESSES, bareJob } from './load-bare-hops';

const BULK = 500;

/**
 * BullMQ alone: as many processes, queues and jobs per task as the product, and handlers that only add the next
 * job. What the loop's throughput is compared with.
 */
export class BarePipeline {
  private finished = 0;
  private lastAtMs = 0;

  private constructor(
    private readonly redis: Redis,
    private readonly first: Queue,
    private readonly children: readonly { role: string; child: ChildProcess }[],
  ) {}

  /** @param copies processes of each role. @param concurrency jobs at once per queue and process. */
  static async start(url: string, copies: number, concurrency: number): Promise<BarePipeline> {
    const children = Object.entries(BARE_PROCESSES).flatMap(([role, queues]) =>
      Array.from({ length: copies }, () => ({
        role,
        child: fork(join(__dirname, 'load-bare-cli.js'), [url, queues.join(','), String(concurrency)]),
      })),
    );
    const redis = new Redis(url, { maxRetriesPerRequest: null });
    const pipeline = new BarePipeline(
      redis,
      new Queue('context', { connection: redis, prefix: BARE_PREFIX }),
      children,
    );
    await Promise.all(children.map(({ child }) => once(child, 'message')));
    for (const { child } of children)
      child.on('message', (told: { finished: number; lastAtMs: number }) => {
        pipeline.finished += told.finished;
        pipeline.lastAtMs = Math.max(pipeline.lastAtMs, told.lastAtMs);
      });
    return pipeline;
  }

  /** Process ids by role. */
  get processes(): { role: string; pid: number }[] {
    return this.children.map(({ role, child }) => ({ role, pid: child.pid ?? 0 }));
  }

  /** Sends `tasks` tasks through all hops. @returns seconds from the first submission to the last hop's end. */
  async run(tasks: number): Promise<number> {
    const from = this.finished;
    const startedAtMs = Date.now();
    for (let done = 0; done < tasks; done += BULK) {
      const count = Math.min(BULK, tasks - done);
      await this.first.addBulk(
        Array.from({ length: count }, () => bareJob(randomUUID(), { hop: 0, name: 'context' })),
      );
    }
    while (this.finished - from < tasks) await sleep(5);
    return (this.lastAtMs - startedAtMs) / 1_000;
  }

  /** Ends its processes and removes its queues. */
  async stop(): Promise<void> {
    await Promise.all(
      this.children.map(async ({ child }) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = once(child, 'exit');
        child.disconnect();
        await ended;
      }),
    );
    const keys = await this.redis.keys(`${BARE_PREFIX}:*`);
    if (keys.length > 0) await this.redis.del(...keys);
    await this.first.close();
    this.redis.disconnect();
  }
}
