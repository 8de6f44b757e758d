import { readModelsFile } from '@acrouter/config/models-file';
import { rawEnv } from '@acrouter/config/env';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes';
import { paint, print, printJson } from '../output';
import { findDataDir, requireStack, type StackFile } from '../stack/stack-file';
import { isReady } from '../stack/service-process';
import { publicView } from './up';

/** `acr status` */
export function registerStatus(program: Command): void {
  program
    .command('status')
    .summary('show services, queues, database, pool and sandbox')
    .description('Shows whether each service is ready, what waits in the queues, and what the stack runs on.')
    .option('--data-dir <dir>', 'the data folder it was started with (default: .acr)')
    .option('--json', 'print it as one JSON document')
    .addHelpText('after', '\nExit codes: 0 everything is ready, 5 something is not, 3 no stack runs.')
    .action(async (options: { dataDir?: string; json?: boolean }) => {
      const dataDir = findDataDir(options.dataDir);
      const status = await gather(requireStack(dataDir), dataDir);
      if (options.json) printJson(status);
      else print(describe(status));
      process.exitCode = status.ready ? EXIT.ok : EXIT.infrastructure;
    });
}

/** A service that works through a large run answers late, and is ready all the same. */
const BUSY_STACK_MS = 15_000;

type Status = Awaited<ReturnType<typeof gather>>;

async function gather(stack: StackFile, dataDir: string) {
  // One after the other: trying sandboxes keeps this process busy enough to miss an answer in time.
  const services = await Promise.all(
    stack.services.map(async (s) => ({ ...s, ready: await isReady(s.port, BUSY_STACK_MS) })),
  );
  const queues = await countQueues(stack.queueUrl);
  const backlog = await countBacklog(stack.databaseUrl);
  const sandbox = await findSandbox();
  const { databaseUrl, queueUrl, url, pid, startedAt } = publicView(stack);
  return {
    ready: services.every((s) => s.ready) && !('error' in queues),
    url,
    supervisorPid: pid,
    startedAt,
    dataDir,
    services,
    database: { url: databaseUrl, embedded: stack.postgresPid !== null, pid: stack.postgresPid },
    queue: { url: queueUrl, kind: queueUrl.startsWith('redis') ? 'redis' : 'postgres', ...queues },
    backlog,
    pool: describePool(stack.modelsFile),
    sandbox,
  };
}

async function countQueues(url: string) {
  const { openQueueConnection } = await import('@acrouter/queue/connection');
  const { queueCounts } = await import('@acrouter/queue/queue-counts');
  try {
    const connection = await openQueueConnection(url, { poolSize: 2 });
    try {
      const counts = await queueCounts(connection);
      return { counts: counts.filter((c) => c.count > 0) };
    } finally {
      await connection.close();
    }
  } catch (error) {
    return { counts: [], error: (error as Error).message };
  }
}

/** Tasks that wait in Postgres for their turn, and tasks in the loop; `null` when Postgres does not tell. */
async function countBacklog(url: string): Promise<{ queued: number; inLoop: number } | null> {
  const { openDatabase } = await import('@acrouter/db/client');
  const { readBacklogSums } = await import('@acrouter/db/backlog-store');
  const db = openDatabase({ url, poolSize: 1, applicationName: 'acr-cli' });
  try {
    const { queued, inFlight } = await readBacklogSums(db);
    return { queued: queued.reduce((a, b) => a + b, 0), inLoop: inFlight };
  } catch {
    return null;
  } finally {
    await db.destroy();
  }
}

async function findSandbox() {
  const { probeSandboxes } = await import('@acrouter/sandbox/open');
  const probes = await probeSandboxes();
  return probes.find((p) => p.available) ?? { kind: null, available: false, detail: 'none', remedy: '' };
}

function describePool(modelsFile: string | null) {
  try {
    const file = readModelsFile(modelsFile, rawEnv());
    const simulated = file.models.filter((m) => m.provider === 'simulated').length;
    return { file: modelsFile, models: file.models.length, simulated, strongest: file.strongest };
  } catch (error) {
    return { file: modelsFile, models: 0, simulated: 0, strongest: null, error: (error as Error).message };
  }
}

function poolLine(pool: Status['pool']): string {
  const file = pool.file ?? 'the simulated pool that ships';
  if ('error' in pool) return paint.red(`${file} cannot be read from here: ${pool.error}`);
  const all = pool.simulated === pool.models;
  const kind = pool.simulated === 0 ? '' : all ? ' simulated' : ` (${pool.simulated} simulated)`;
  return `${pool.models}${kind} models from ${file}`;
}

function describe(status: Status): string {
  const rows = status.services.map((s) => {
    const state = s.ready ? paint.green('ready    ') : paint.red('NOT READY');
    const restarts = s.restarts > 0 ? `  ${s.restarts} restart${s.restarts === 1 ? '' : 's'}` : '';
    return `  ${s.name.padEnd(13)} ${state}  port ${String(s.port).padEnd(5)}  pid ${s.pid}${restarts}`;
  });
  const waiting = status.queue.counts.map(
    (c) => `${c.queue}${c.key ? ` (${c.key})` : ''} ${c.count} ${c.state}`,
  );
  const { pool } = status;
  return [
    `ACRouter at ${status.url}, since ${status.startedAt}`,
    '',
    ...rows,
    '',
    `  database  ${status.database.embedded ? 'embedded Postgres' : status.database.url}`,
    `  queues    ${status.queue.kind}: ${'error' in status.queue ? status.queue.error : waiting.join(', ') || 'empty'}`,
    `  tasks     ${status.backlog ? `${status.backlog.queued} queued, ${status.backlog.inLoop} in the loop` : paint.red('Postgres does not tell')}`,
    `  pool      ${poolLine(pool)}`,
    `  sandbox   ${status.sandbox.kind ?? paint.red('none; run "acr doctor"')}`,
    `  data      ${status.dataDir}`,
  ].join('\n');
}
