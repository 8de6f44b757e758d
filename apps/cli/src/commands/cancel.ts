import { AcrError } from '@acrouter/domain/errors';
import type { Command } from 'commander';
import { withConnection } from '../connect-options';
import { connect, type ConnectOptions } from '../gateway-client';
import { note, printJson } from '../output';
import { findTask } from '../find-task';

/** `acr cancel` */
export function registerCancel(program: Command): void {
  withConnection(program.command('cancel'))
    .summary('cancel a task or a run')
    .description('Cancels a task, or with --run all unsettled tasks of a run. Running calls are stopped.')
    .argument('[task]', 'id of the task, yours or ours')
    .option('--run <id>', 'cancel a whole run')
    .option('--json', 'print {"id", "requested"} as JSON')
    .action(async (task: string | undefined, options: ConnectOptions & { run?: string; json?: boolean }) => {
      if ((task === undefined) === (options.run === undefined))
        throw new AcrError('ACR_INVALID_REQUEST', 'Name a task, or a run with --run, and not both.');
      const client = connect(options);
      const result = options.run
        ? await client.cancelRun(options.run)
        : await client.cancelTask(await findTask(client, task ?? ''));
      if (options.json) printJson(result);
      note(result.requested === 0 ? 'Nothing to cancel: all is settled.' : `Cancelling ${result.requested}.`);
    });
}
