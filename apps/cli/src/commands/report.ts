import { AcrError } from '@acrouter/domain/errors';
import { DIMENSIONS } from '@acrouter/domain/task';
import { Option, type Command } from 'commander';
import { withConnection } from '../connect-options';
import { connect, type ConnectOptions, type GatewayClient } from '../gateway-client';
import { runOrLast } from '../last-run';
import { print, printJson } from '../output';
import { reportView } from '../report-view';
import { offPolicyMarkdown, offPolicyView } from '../report-view-off-policy';

interface ReportOptions extends ConnectOptions {
  json?: boolean;
  all?: boolean;
  since?: string;
  dimension?: string;
  against?: string;
  markdown?: boolean;
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
    .option(
      '--against <policy>',
      'instead: what another policy (strongest, always:MODEL, knn, …) would have scored and cost, estimated from logged probabilities',
    )
    .option('--markdown', 'print the comparison of --against as Markdown')
    .option('--json', 'print it as one JSON document')
    .action(async (given: string | undefined, options: ReportOptions) => {
      if (options.markdown && options.against === undefined)
        throw new AcrError('ACR_INVALID_REQUEST', '--markdown goes with --against POLICY.');
      const client = connect(options);
      const everything = options.all || options.since;
      const run = everything && !given ? null : await runOrLast(client, options, given);
      const query = {
        ...(run ? { run } : {}),
        ...(options.since ? { since: options.since } : {}),
        ...(options.dimension ? { dimension: options.dimension } : {}),
      };
      if (options.against !== undefined)
        return compare(client, { ...query, against: options.against }, options);
      const report = await client.report(query);
      if (options.json) printJson(report);
      else print(reportView(report));
    });
}

async function compare(
  client: GatewayClient,
  query: Record<string, string>,
  options: ReportOptions,
): Promise<void> {
  const report = await client.offPolicyReport(query);
  if (options.json) printJson(report);
  else print(options.markdown ? offPolicyMarkdown(report) : offPolicyView(report));
}
