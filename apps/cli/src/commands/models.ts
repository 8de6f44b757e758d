import { rawEnv } from '@acrouter/config/env';
import { apiKeyOf, type ModelEntry } from '@acrouter/config/models-file';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes';
import { GatewayClient } from '../gateway-client';
import { note, paint, print, printJson } from '../output';
import { poolFile, readPoolWithoutKeys } from '../model-pool';
import { testModel, type ModelTest } from '../model-test';
import { findDataDir, readLiveStack } from '../stack/stack-file';

interface ModelsOptions {
  models?: string;
  dataDir?: string;
  json?: boolean;
}

/** `acr models` */
export function registerModels(program: Command): void {
  const models = program
    .command('models')
    .summary('list the pool, or test each model with one small call')
    .description(
      'Lists the pool: prices in USD per million tokens, and who is left alone for now after outages.',
    );
  const command = (name: string, description: string, isDefault = false) =>
    models
      .command(name, { isDefault })
      .description(description)
      .option('--models <file>', 'the pool (default: that of the stack, models.yaml, the simulated pool)')
      .option('--data-dir <dir>', 'data folder of the stack (default: .acr)')
      .option('--json', 'print JSON lines');
  command('list', 'list the pool', true).action(list);
  command('test', 'call each model once with a tiny prompt; costs a fraction of a cent')
    .addHelpText('after', '\nExit codes: 0 every model answers, 1 some do not.')
    .action(test);
}

async function list(options: ModelsOptions): Promise<void> {
  const file = readPoolWithoutKeys(poolFile(options));
  const stack = readLiveStack(findDataDir(options.dataDir));
  const live = stack && !options.models ? (await new GatewayClient(stack.url).models()).data : [];
  const rows = file.models.map((m) => ({
    id: m.id,
    provider: m.provider,
    price: m.price,
    simulated: m.provider === 'simulated',
    strongest: m.id === file.strongest,
    missingKey: m.apiKeyEnv !== null && apiKeyOf(m, rawEnv()) === null ? m.apiKeyEnv : null,
    cooling: live.find((l) => l.id === m.id)?.cooling ?? null,
  }));
  if (options.json) return rows.forEach((row) => printJson(row));
  print(
    paint.dim(`${'model'.padEnd(34)}${'provider'.padEnd(19)}${'input'.padStart(8)}${'output'.padStart(9)}`),
  );
  for (const [i, row] of rows.entries()) {
    const price = priceOf(file.models[i] as ModelEntry);
    const marks = [
      row.strongest ? ' strongest' : '',
      row.missingKey ? paint.yellow(` ${row.missingKey} is not set here`) : '',
      row.cooling ? paint.yellow(` cooling until ${row.cooling.until}`) : '',
    ].join('');
    print(`${row.id.padEnd(34)}${row.provider.padEnd(19)}${price}${marks}`);
  }
  note(
    `USD per million tokens, from ${options.models ?? (file.models.some((m) => m.provider === 'simulated') ? 'the simulated pool' : file.path)}.`,
  );
}

function priceOf({ agent, price }: ModelEntry): string {
  if (!agent || agent.pricedByTokens)
    return `${String(price.inputPerMillion).padStart(8)}${String(price.outputPerMillion).padStart(9)}`;
  const usd = agent.perCallUsd ?? price.maxCallUsd ?? 0;
  return `${agent.perCallUsd === null ? '≤ ' : ''}$${usd} a call`.padStart(17);
}

async function test(options: ModelsOptions): Promise<void> {
  const file = readPoolWithoutKeys(poolFile(options));
  const results = await Promise.all(file.models.map((entry) => testOne(entry)));
  for (const result of results)
    if (options.json) printJson(result);
    else print(describe(result));
  process.exitCode = results.every((r) => r.ok) ? EXIT.ok : EXIT.unsolved;
}

const testOne = (entry: ModelEntry): Promise<ModelTest> => testModel(entry, apiKeyOf(entry, rawEnv()));

function describe(result: ModelTest): string {
  const mark = result.ok ? paint.green('ok    ') : paint.red('FAILED');
  return `${mark} ${result.model}  ${result.detail}${result.remedy ? `\n       ${result.remedy}` : ''}`;
}
