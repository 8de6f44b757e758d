import { DIMENSIONS } from '@acrouter/domain/task';
import { Option, type Command } from 'commander';
import { withConnection } from '../connect-options';
import { connect, type ConnectOptions } from '../gateway-client';
import { runOrLast } from '../last-run';
import { print, printJson } from '../output';
import { reportView } from '../report-view';

interface ReportOptions extends ConnectOptions {
  json?: boolean;
  all?: boolean;
  since?: string;
  dimension?: string;
}

/** `acr report` */
export function registerReport(program: Command): void {
  withConnection(program.command('report'))
    .summary('what a run solved, cost and saved')
    .description(
      'Solved tasks, average score, cost, cost had the strongest model done everything, attempts per task,\nshare per model, regret and the loop’s own latency.',
    )
    .argument('[run]', 'id of the run (default: the last one)')
    .option('--all', 'everything, not one run')
    .option('--since <time>', 'tasks accepted since then, e.g. 2026-11-01T00:00:00Z; implies --all')
    .addOption(new Option('--dimension <name>', 'only this kind of task').choices(DIMENSIONS))
    .option('--json', 'print it as one JSON document')
    .action(async (given: string | undefined, options: ReportOptions) => {
      const client = connect(options);
      const everything = options.all || options.since;
      const run = everything && !given ? null : await runOrLast(client, options, given);
      const report = await client.report({
        ...(run ? { run } : {}),
        ...(options.since ? { since: options.since } : {}),
        ...(options.dimension ? { dimension: options.dimension } : {}),
      });
      if (options.json) printJson(report);
      else print(reportView(report));
    });
}
