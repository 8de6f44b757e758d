import { openBenchmark } from '@acrouter/bench/bench-source';
import type { Measured, RetrievalOutcome, RetrievalRow } from '@acrouter/bench/retrieval';
import { compareRetrieval, METRICS } from '@acrouter/bench/retrieval';
import type { CorpusItem } from '@acrouter/bench/retrieval-corpus';
import { corpusOf, readHumanEval } from '@acrouter/bench/retrieval-corpus';
import type { Contender } from '@acrouter/bench/retrieval-embedders';
import { bundledSentenceModel, hashedContenders } from '@acrouter/bench/retrieval-embedders';
import { rawEnv } from '@acrouter/config/env';
import { AcrError } from '@acrouter/domain/errors';
import { connectHttpEmbedder } from '@acrouter/embedding/http-embedder';
import type { Command } from 'commander';
import { note, print, printJson } from '../output';
import { progressBar } from './progress-bar';
import { textTable } from './text-table';

interface RetrievalFlags {
  data?: string;
  humaneval?: string;
  tasks?: string;
  results?: string;
  endpoint?: string;
  model?: string;
  keyEnv?: string;
  json?: boolean;
}

/** `acr bench retrieval` */
export function registerRetrieval(bench: Command): void {
  bench
    .command('retrieval')
    .summary('whether nearest neighbours share the best model and the source, by embedding')
    .description(
      'Embeds prompts in several ways and looks at each prompt’s nearest neighbours: are they of the same data\nset and source, and was their best model a best model here too? Give at least one set of prompts.',
    )
    .option('--data <dir>', 'folder with CodeRouterBench files (the OOD tasks have prompts)')
    .option(
      '--humaneval <dir>',
      'folder with HumanEval tasks.jsonl and generations.jsonl (recorded verdicts)',
    )
    .option('--tasks <file>', 'your own tasks.jsonl with prompts')
    .option('--results <file>', 'your own results.jsonl')
    .option('--endpoint <url>', 'also compare this OpenAI-compatible /v1/embeddings endpoint')
    .option('--model <name>', 'model asked of the endpoint')
    .option('--key-env <variable>', 'environment variable that holds the endpoint’s key')
    .option('--json', 'print one line of JSON')
    .action(async (flags: RetrievalFlags) => {
      const items = corpora(flags);
      const contenders = await contendersOf(flags);
      const bar = progressBar('prompts');
      const outcome = await compareRetrieval(items, contenders, bar.update);
      bar.end();
      if (flags.json) printJson(outcome);
      else print(view(outcome).join('\n'));
    });
}

function corpora(flags: RetrievalFlags): CorpusItem[] {
  const { data, humaneval, tasks, results } = flags;
  if (Boolean(tasks) !== Boolean(results))
    throw new AcrError('ACR_INVALID_REQUEST', 'Give --tasks together with --results.');
  const source = (from: Parameters<typeof openBenchmark>[0]['data']) =>
    corpusOf(openBenchmark({ data: from, prior: 'none' }));
  const items = [
    ...(data ? source({ directory: data, set: 'ood' }) : []),
    ...(humaneval ? corpusOf(readHumanEval(humaneval)) : []),
    ...(tasks && results ? source({ tasks, results }) : []),
  ];
  if (items.length < 2) {
    throw new AcrError(
      'ACR_INVALID_REQUEST',
      'There are no prompts to compare. Give --data DIR, --humaneval DIR, or --tasks FILE with --results FILE.',
    );
  }
  return items;
}

async function contendersOf(flags: RetrievalFlags): Promise<Contender[]> {
  const bundled = await bundledSentenceModel();
  if (!bundled)
    note('The bundled sentence model is not installed (a development dependency); it is left out.');
  const all = [...hashedContenders(), ...(bundled ? [bundled] : [])];
  if (!flags.endpoint) return all;
  const apiKey = flags.keyEnv ? rawEnv()[flags.keyEnv] : undefined;
  if (flags.keyEnv && !apiKey)
    throw new AcrError('ACR_INVALID_REQUEST', `The environment variable ${flags.keyEnv} is not set.`);
  const embedder = await connectHttpEmbedder({
    url: flags.endpoint,
    ...(flags.model ? { model: flags.model } : {}),
    ...(apiKey ? { apiKey } : {}),
  });
  return [...all, { embedder, needs: 'endpoint', mayBeDefault: false }];
}

const percent = (value: number) => (Number.isNaN(value) ? '–' : (100 * value).toFixed(1));

/** `+` or `-` where the difference to the default is outside of chance (its 95 % interval leaves 0 out). */
function mark(difference: Measured | undefined): string {
  if (!difference) return ' ';
  return difference.low > 0 ? '+' : difference.high < 0 ? '-' : ' ';
}

function view(outcome: RetrievalOutcome): string[] {
  const cells = (row: RetrievalRow) => [
    row.embedder,
    row.embed ? `${(row.embed.p50Micros / 1_000).toFixed(2)}` : '',
    row.needs,
    ...METRICS.map((name) => `${percent(row.metrics[name].mean)}${mark(row.versusDefault?.[name])}`),
  ];
  const interval = (row: RetrievalRow) => [
    '  95 %',
    '',
    '',
    ...METRICS.map((name) => `${percent(row.metrics[name].low)}–${percent(row.metrics[name].high)} `),
  ];
  const head = ['embedding', 'ms/text', 'needs', ...METRICS.map((name) => `${name} `)];
  const rows = outcome.rows.flatMap((row) => [cells(row), interval(row)]);
  return [
    `${outcome.prompts} prompts, ${outcome.informative} of them tell models apart; percent`,
    ...textTable(head, rows),
    '+ or -: better or worse than the first line, outside of chance (95 %, paired bootstrap over prompts).',
    ...outcome.heldOut.map(({ chosen, lead }) =>
      chosen === outcome.rows[0]?.embedder
        ? `Held out: one half of the prompts chooses ${chosen}, the default.`
        : `Held out: one half of the prompts chooses ${chosen}; on the other half it leads the default by ` +
          `${percent(lead.mean)} points (95 %: ${percent(lead.low)} to ${percent(lead.high)}).`,
    ),
  ];
}
