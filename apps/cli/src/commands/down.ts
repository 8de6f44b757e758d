import type { Command } from 'commander';
import { note, printJson } from '../output';
import { ACR_COMMAND, runsProgram, signal, waitUntilGone } from '../stack/processes';
import { findDataDir, readStack, removeStack, type StackFile } from '../stack/stack-file';

/** Services 38 s, Postgres 20 s, and a little. */
const STOP_TIMEOUT_MS = 62_000;

/** `acr down` */
export function registerDown(program: Command): void {
  program
    .command('down')
    .summary('stop the stack')
    .description('Stops the services, lets running work finish or hands it back, then stops Postgres.')
    .option('--data-dir <dir>', 'the data folder it was started with (default: .acr)')
    .option('--json', 'print {"stopped"} as JSON')
    .action(async (options: { dataDir?: string; json?: boolean }) => {
      const dataDir = findDataDir(options.dataDir);
      const stack = readStack(dataDir);
      if (!stack) note(`No stack runs in ${dataDir}.`);
      else await stop(stack, dataDir);
      if (options.json) printJson({ stopped: stack !== null });
    });
}

async function stop(stack: StackFile, dataDir: string): Promise<void> {
  if (runsProgram(stack.pid, ACR_COMMAND)) {
    note('Stopping …');
    signal(stack.pid, 'SIGTERM');
    if (!(await waitUntilGone(stack.pid, STOP_TIMEOUT_MS))) signal(stack.pid, 'SIGKILL');
  }
  await clearUp(stack);
  removeStack(dataDir);
  note('Stopped.');
}

/** Ends what a supervisor that was killed left behind. After an orderly stop there is nothing to find. */
async function clearUp(stack: StackFile): Promise<void> {
  const left = stack.services.map((s) => s.pid).filter((pid) => runsProgram(pid, /dist[\\/]main\.js/));
  for (const pid of left) signal(pid, 'SIGTERM');
  const gone = await Promise.all(left.map((pid) => waitUntilGone(pid, 38_000)));
  left.forEach((pid, i) => !gone[i] && signal(pid, 'SIGKILL'));
  const postgres = stack.postgresPid;
  if (postgres === null || !runsProgram(postgres, /postgres/)) return;
  signal(postgres, 'SIGINT');
  if (!(await waitUntilGone(postgres, 15_000))) signal(postgres, 'SIGQUIT');
}
