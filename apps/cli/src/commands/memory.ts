import { rawEnv } from '@acrouter/config/env';
import { countExperiences } from '@acrouter/db/experience-store';
import { readStatistics, type StatisticsRow } from '@acrouter/db/statistics-store';
import { AcrError } from '@acrouter/domain/errors';
import { openEmbedder } from '@acrouter/embedding/open-embedder';
import type { Command } from 'commander';
import { once } from 'node:events';
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { withDatabase, withDatabaseOptions, type DatabaseChoice } from '../database-options';
import { exportMemory, importMemory } from '../memory-file';
import { note, paint, print, printJson } from '../output';
import { unwritableFile } from '../output-file';

interface MemoryOptions extends DatabaseChoice {
  tenant: string;
  json?: boolean;
  out?: string;
  prompts?: boolean;
}

/** `acr memory` */
export function registerMemory(program: Command): void {
  const memory = program
    .command('memory')
    .summary('what has been learnt; export and import it')
    .description('Experiences (who answered what, how well, at what cost) and the statistics over them.');
  const command = (name: string, description: string, isDefault = false) =>
    withDatabaseOptions(memory.command(name, { isDefault }).description(description))
      .option('--tenant <name>', 'whose memory', 'default')
      .option('--json', 'print JSON');
  command('stats', 'what is known of each model, by dimension', true).action(stats);
  command('export', 'write all experiences as JSON lines')
    .argument('[file]', 'where to (default: stdout)')
    .option('--out <file>', 'the same')
    .option('--prompts', 'with the prompts, so that another embedder can read them')
    .action(exportTo);
  command('import', 'add experiences of another memory; repeating it adds nothing')
    .argument('<file>', 'JSON lines as written by export; "-" is stdin')
    .action(importFrom);
  command('warm-start', 'add experiences of your own: {"prompt","model","score","costUsd"?} per line')
    .argument('<file>', 'JSON lines; "-" is stdin')
    .action(importFrom);
}

async function stats(options: MemoryOptions): Promise<void> {
  await withDatabase(options, async (db) => {
    const experiences = await countExperiences(db, options.tenant);
    const real = await readStatistics(db, options.tenant, false);
    const simulated = await readStatistics(db, options.tenant, true);
    const statistics = [...real, ...simulated].map(view);
    if (options.json) return printJson({ tenant: options.tenant, experiences, statistics });
    if (statistics.length === 0) return note(`Nothing learnt yet by tenant "${options.tenant}".`);
    print(paint.dim(row(['dimension', 'language', 'model', 'n', 'solved', 'score', 'USD each', 'unknown'])));
    for (const s of statistics)
      print(
        row([
          s.dimension,
          s.language,
          s.model,
          s.n,
          s.solved,
          s.meanScore.toFixed(3),
          s.meanCostUsd === null ? 'unknown' : s.meanCostUsd.toFixed(6),
          s.unknownCosts,
        ]) + (s.simulated ? paint.yellow('  simulated') : ''),
      );
    for (const e of experiences)
      note(
        `${e.experiences} experiences of ${e.tasks} tasks in the space of ${e.embedder}${e.simulated ? ', simulated' : ''}`,
      );
  });
}

const WIDTHS = [20, 12, 32, -7, -7, -7, -11, -8];
const row = (cells: (string | number)[]) =>
  cells
    .map((cell, i) => (WIDTHS[i]! > 0 ? String(cell).padEnd(WIDTHS[i]!) : String(cell).padStart(-WIDTHS[i]!)))
    .join(' ');

function view(s: StatisticsRow) {
  return {
    dimension: s.dimension,
    language: s.language,
    model: s.model,
    simulated: s.simulated,
    n: s.n,
    solved: s.solved,
    meanScore: s.score_sum / s.n,
    /** Of the attempts whose cost is known. */
    meanCostUsd: s.cost_n === 0 ? null : s.cost_sum_usd / s.cost_n,
    unknownCosts: s.unknown_costs,
    meanLatencyMs: s.latency_n === 0 ? null : s.latency_sum_ms / s.latency_n,
  };
}

async function exportTo(file: string | undefined, options: MemoryOptions): Promise<void> {
  const out = file ?? options.out;
  await withDatabase(options, async (db) => {
    let count = 0;
    const lines = async function* () {
      for await (const line of exportMemory(db, options.tenant, { prompts: options.prompts === true })) {
        count += 1;
        yield `${JSON.stringify(line)}\n`;
      }
    };
    if (out) await pipeline(Readable.from(lines()), await openOutput(out));
    else await pipeline(Readable.from(lines()), process.stdout, { end: false });
    note(`${count} experiences of tenant "${options.tenant}" written.`);
  });
}

/** Opened before anything is read, so that a wrong name is the only thing said. @throws AcrError as `unwritableFile` */
async function openOutput(file: string): Promise<WriteStream> {
  const stream = createWriteStream(file, { mode: 0o600 });
  try {
    await once(stream, 'open');
    return stream;
  } catch (cause) {
    throw unwritableFile(null, file, cause as NodeJS.ErrnoException);
  }
}

async function importFrom(file: string, options: MemoryOptions): Promise<void> {
  const env = rawEnv();
  const embedder = await openEmbedder({
    url: env.ACR_EMBEDDINGS_URL || undefined,
    model: env.ACR_EMBEDDINGS_MODEL || undefined,
    apiKey: env.ACR_EMBEDDINGS_KEY_ENV ? (env[env.ACR_EMBEDDINGS_KEY_ENV] ?? null) : null,
  });
  await withDatabase(options, async (db) => {
    const done = await importMemory(db, options.tenant, embedder, linesOf(file));
    if (options.json) printJson({ tenant: options.tenant, embedder: embedder.id, ...done });
    note(`${done.added} experiences added, ${done.lines - done.added} were known.`);
    if (done.otherEmbedder > 0)
      note(
        `${done.otherEmbedder} are vectors of another embedder than ${embedder.id}: they count in the statistics and are ` +
          'never recalled. Export them with --prompts to have them embedded again.',
      );
  });
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  try {
    // Made by hand, since readline's own iterator swallows the errors of its input.
    const lines = createInterface({ input, crlfDelay: Infinity });
    const failed = new Promise<never>((_, reject) => input.once('error', reject));
    const iterator = lines[Symbol.asyncIterator]();
    for (;;) {
      const next = await Promise.race([iterator.next(), failed]);
      if (next.done) return;
      yield next.value;
    }
  } catch (cause) {
    if (cause instanceof AcrError) throw cause;
    throw new AcrError('ACR_INVALID_REQUEST', `${file} cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
}
