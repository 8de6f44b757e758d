import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { BARE_PREFIX, bareJob, nextHop, type BareJob } from './load-bare-hops';

/**
 * One process of the bare pipeline: works on some of its queues and does nothing but add the next job.
 * Started by `BarePipeline`: `node load-bare-cli.js REDIS_URL QUEUE,QUEUE CONCURRENCY`; tells its parent over IPC.
 */
const REPORT_MS = 20;

function main(url: string, names: string, concurrency: number): void {
  const publishing = new Redis(url, { maxRetriesPerRequest: null });
  const working = new Redis(url, { maxRetriesPerRequest: null });
  const queues = new Map<string, Queue>();
  const queueOf = (name: string): Queue => {
    const known = queues.get(name) ?? new Queue(name, { connection: publishing, prefix: BARE_PREFIX });
    queues.set(name, known);
    return known;
  };
  let finished = 0;
  let lastAtMs = 0;
  const handle = async (job: BareJob) => {
    const next = nextHop(job.payload.hop);
    if (next) {
      const { name, data, opts } = bareJob(job.payload.taskId, next);
      await queueOf(name).add(name, data, opts);
      return;
    }
    finished += 1;
    lastAtMs = Date.now();
  };
  const workers = names.split(',').map(
    (name) =>
      new Worker<BareJob>(name, (job) => handle(job.data), {
        connection: working,
        prefix: BARE_PREFIX,
        concurrency,
      }),
  );
  // A lock that ran out on a busy machine: BullMQ gives the job to another, as it does in the product.
  for (const worker of workers) worker.on('error', () => undefined);
  setInterval(() => {
    if (finished > 0) process.send?.({ finished, lastAtMs });
    finished = 0;
  }, REPORT_MS);
  process.once('disconnect', () => process.exit(0));
  void Promise.all(workers.map((w) => w.waitUntilReady())).then(() => process.send?.({ ready: true }));
}

main(process.argv[2] ?? '', process.argv[3] ?? '', Number(process.argv[4] ?? 8));
