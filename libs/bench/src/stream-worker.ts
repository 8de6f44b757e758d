import { parentPort, workerData } from 'node:worker_threads';
import type { BenchSource } from './bench-source';
import { openBenchmark, setupOf } from './bench-source';
import { prepare } from './replay';
import type { StreamJob } from './stream';
import { runStream } from './stream';

/** Entry of a worker thread: reads the rows once, then runs one stream per message. */
const { source, unknownCost } = workerData as { source: BenchSource; unknownCost: 'mean' | 'zero' };
const benchmark = openBenchmark(source);
const prepared = prepare(benchmark, unknownCost);
const setup = setupOf(source, benchmark);

parentPort?.on('message', (job: StreamJob) => {
  parentPort?.postMessage(runStream(prepared, setup, job).result);
});
