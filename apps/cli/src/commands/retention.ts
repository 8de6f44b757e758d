import { readRetentionDays } from '@acrouter/config/retention-env';
import { countDue, RETENTION_KINDS, takeDue, type RetentionPolicy } from '@acrouter/db/retention-store';
import { AcrError } from '@acrouter/domain/errors';
import { InvalidArgumentError, type Command } from 'commander';
import { withDatabase, withDatabaseOptions, type DatabaseChoice } from '../database-options';
import { note, print, printJson } from '../output';
import { left, right } from '../text-layout';

interface RetentionOptions extends DatabaseChoice {
  dryRun?: boolean;
  json?: boolean;
  textDays?: number;
  taskDays?: number;
  eventDays?: number;
}

/** `acr retention` */
export function registerRetention(program: Command): void {
  const retention = program
    .command('retention')
    .summary('erase and delete what is older than the policy')
    .description(
      'The orchestrator does this every hour by ACR_RETENTION_TEXT_DAYS, _TASK_DAYS and _EVENT_DAYS; docs/operations.md says what stays.',
    );
  withDatabaseOptions(retention.command('run').description('do it now'))
    .option('--dry-run', 'only count what is due')
    .option('--text-days <n>', 'erase prompts and answers settled so long ago; 0 = never', days)
    .option('--task-days <n>', 'delete tasks settled so long ago; 0 = never', days)
    .option('--event-days <n>', 'delete events so old; 0 = never', days)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ acr retention run --dry-run
  $ acr retention run --text-days 7    texts of tasks settled over a week ago`,
    )
    .action(run);
}

function days(text: string): number {
  const value = Number(text);
  if (/^\d{1,5}$/.test(text)) return value;
  throw new InvalidArgumentError('It must be a whole number of days, 0 to 99999.');
}

async function run(options: RetentionOptions): Promise<void> {
  const configured = readRetentionDays();
  const policy: RetentionPolicy = {
    textDays: options.textDays ?? configured.textDays,
    taskDays: options.taskDays ?? configured.taskDays,
    eventDays: options.eventDays ?? configured.eventDays,
  };
  const dryRun = Boolean(options.dryRun);
  const rows = await withDatabase(options, (db) => (dryRun ? countDue(db, policy) : takeDue(db, policy)));
  if (!rows)
    throw new AcrError('ACR_CONFLICT', 'Another process is doing this just now. Try again when it is done.');
  if (options.json) return printJson({ dryRun, policy, rows });
  for (const kind of RETENTION_KINDS) print(` ${left(kind, 20)}${right(String(rows[kind]), 10)}`);
  note(dryRun ? 'These rows are due; nothing was changed.' : 'These rows were erased or deleted.');
}
