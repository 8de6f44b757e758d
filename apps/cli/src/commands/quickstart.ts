import { parseTaskFile } from '@acrouter/contracts/task-formats';
import type { TaskSpec } from '@acrouter/contracts/task-file';
import { EXAMPLES_DIR } from '@acrouter/models/example-bundle';
import { Option, type Command } from 'commander';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { EXIT } from '../exit-codes';
import { GatewayClient } from '../gateway-client';
import { rememberRun } from '../last-run';
import { note, paint, print, printJson } from '../output';
import { reportView } from '../report-view';
import { followRun } from '../run-follower';
import { openRunView } from '../run-view';
import { findDataDir } from '../stack/stack-file';
import { isFree, Supervisor } from '../stack/supervisor';
import { submitInChunks } from './submit';
import { announce, onceInterrupted } from './up';

interface QuickstartOptions {
  keep?: boolean;
  json?: boolean;
  dataDir: string;
  firstStep: string;
}

const STEPS = 3;

/** `acr quickstart`, and the second half of `npm run quickstart` */
export function registerQuickstart(program: Command): void {
  program
    .command('quickstart')
    .summary('route the example tasks on a simulated pool, start to finish')
    .description(
      'Starts everything embedded, routes the bundled example tasks on a SIMULATED pool (no model is called; the\nanswers are really run), prints the report and stops everything.',
    )
    .option('--keep', 'leave the stack running in the foreground until Ctrl-C')
    .option('--data-dir <dir>', 'where data and logs live', join('.acr', 'quickstart'))
    .option('--json', 'print the report as one JSON document')
    .addOption(new Option('--first-step <n>').default('1').hideHelp())
    .action(quickstart);
}

async function quickstart(options: QuickstartOptions): Promise<void> {
  const steps = numberedSteps(Number(options.firstStep));
  const dataDir = findDataDir(options.dataDir);
  const port = options.keep && (await isFree(8700)) ? 8700 : 0;
  const supervisor = new Supervisor({
    dataDir,
    port,
    modelsFile: null,
    log: (line) => note(`      ${line}`),
  });
  const interrupted = onceInterrupted(supervisor, () => note('\nStopping …'));
  const work = async () => {
    const done = steps(`Starting Postgres and five services in ${relative(process.cwd(), dataDir)}`);
    const stack = await supervisor.start();
    done();
    const report = await routeExamples(new GatewayClient(stack.url), dataDir, steps);
    if (options.keep) {
      if (options.json) printJson(report);
      else print(`\n${reportView(report)}`);
      announce(stack, dataDir, false);
      note('Ctrl-C stops it.');
      await interrupted;
    } else {
      const stopped = steps('Stopping everything');
      await supervisor.stop();
      stopped();
      if (options.json) printJson(report);
      else print(`\n${reportView(report)}\n\n${NEXT}`);
    }
  };
  try {
    const ended = await Promise.race([work().then(() => 'done'), interrupted]);
    process.exitCode = ended ? EXIT.ok : EXIT.interrupted;
  } finally {
    await supervisor.stop();
  }
}

const NEXT = ` Next: ${paint.bold('acr init')} writes a models.yaml for real models, then
       ${paint.bold('npx acr up --detach')} and ${paint.bold('npx acr submit TASKS.jsonl --wait')}`;

type Steps = (title: string) => (detail?: string) => void;

function numberedSteps(first: number): Steps {
  let number = first - 1;
  return (title) => {
    const startedAt = Date.now();
    const head = `[${++number}/${first - 1 + STEPS}]`;
    note(`${head} ${title} …`);
    return (detail) =>
      note(`      ${((Date.now() - startedAt) / 1000).toFixed(1)} s${detail ? `  (${detail})` : ''}`);
  };
}

async function routeExamples(client: GatewayClient, dataDir: string, steps: Steps) {
  const { tasks, leftOut } = await runnableExamples();
  const done = steps(`Routing ${tasks.length} example tasks on the SIMULATED pool`);
  if (leftOut > 0)
    note(
      `      ${leftOut} tasks that need more than plain JavaScript left out: no sandbox here runs them ("acr doctor")`,
    );
  const name = leftOut > 0 ? 'quickstart, JavaScript only' : 'quickstart';
  const { id } = await submitInChunks(client, tasks, { name, idempotencyKey: `quickstart-${randomUUID()}` });
  rememberRun({ dataDir }, id);
  const view = openRunView();
  await followRun(client, id, (progress) => view.update(progress));
  view.close();
  done();
  return client.report({ run: id });
}

/** Whether QuickJS can check a task: it runs scripts of plain JavaScript and no command. */
const isPlainScript = (task: TaskSpec) => task.language === 'javascript' && !task.verification?.command;

/** The example tasks that this machine can check: all of them, or without a full sandbox those of plain JavaScript. */
async function runnableExamples(): Promise<{ tasks: TaskSpec[]; leftOut: number }> {
  const { probeSandboxes } = await import('@acrouter/sandbox/open');
  const best = (await probeSandboxes()).find((probe) => probe.available);
  const folder = join(EXAMPLES_DIR, 'tasks');
  const files = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
  const all = files
    .sort()
    .flatMap((name) => parseTaskFile(readFileSync(join(folder, name), 'utf8'), 'acr', name));
  const tasks = best?.kind === 'quickjs' ? all.filter(isPlainScript) : all;
  return { tasks, leftOut: all.length - tasks.length };
}
