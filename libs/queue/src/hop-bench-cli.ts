import { setTimeout as sleep } from 'node:timers/promises';
import { openQueueConnection } from './connection';
import { QueuePublisher } from './publisher';
import { controllerFor, startTestApp } from './testing-app';

/**
 * Measures the five hops of a task on the queue at argv[2]: latency one at a time, then throughput.
 *   node -r ./libs/testing/src/run-typescript.cjs libs/queue/src/hop-bench-cli.ts URL [tasks=500] [poolSize=8]
 */
async function main(url: string, tasks: number, poolSize: number): Promise<void> {
  const connection = await openQueueConnection(url, { poolSize });
  const publisher = new QueuePublisher(connection);
  const finished = new Map<string, () => void>();
  const t = (taskId: string) => ({ taskId, attempt: 1 });
  const apps = await Promise.all([
    startTestApp(
      { connection, service: 'memory' },
      controllerFor({
        context: ({ taskId }: { taskId: string }) =>
          publisher.publish('decide', { kind: 'context-ready', taskId }),
        feedback: async ({ taskId }: { taskId: string }) => finished.get(taskId)?.(),
      }),
    ),
    startTestApp(
      { connection, service: 'orchestrator' },
      controllerFor({
        decide: ({ taskId }: { taskId: string }) =>
          publisher.publish('execute', { ...t(taskId), model: 'm' }),
      }),
    ),
    startTestApp(
      { connection, service: 'executor', keys: { execute: [{ key: 'm' }] } },
      controllerFor({ execute: ({ taskId }: { taskId: string }) => publisher.publish('verify', t(taskId)) }),
    ),
    startTestApp(
      { connection, service: 'verifier', concurrency: { verify: 8 } },
      controllerFor({ verify: ({ taskId }: { taskId: string }) => publisher.publish('feedback', t(taskId)) }),
    ),
  ]);
  const run = (taskId: string) =>
    new Promise<void>((done, fail) => {
      finished.set(taskId, done);
      publisher.publish('context', { taskId }).catch(fail);
    });
  for (let i = 0; i < 20; i++) await run(`warm-${i}`);
  const latencies: number[] = [];
  for (let i = 0; i < 200; i++) {
    const start = performance.now();
    await run(`one-${i}`);
    latencies.push(performance.now() - start);
    await sleep(2);
  }
  latencies.sort((a, b) => a - b);
  const at = (q: number) => (latencies[Math.floor(q * latencies.length)] ?? 0).toFixed(1);
  const start = performance.now();
  await Promise.all(Array.from({ length: tasks }, (_, i) => run(`many-${i}`)));
  const perSecond = tasks / ((performance.now() - start) / 1_000);
  process.stdout.write(
    `${connection.kind} pool ${poolSize}: 5 hops p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms; ` +
      `${tasks} at once: ${perSecond.toFixed(0)} tasks/s\n`,
  );
  await Promise.all(apps.map(({ app }) => app.close()));
  await connection.close();
}

void main(process.argv[2] ?? '', Number(process.argv[3] ?? 500), Number(process.argv[4] ?? 8));
