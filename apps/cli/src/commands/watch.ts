import type { Command } from 'commander';
import { withConnection } from '../connect-options';
import { EXIT } from '../exit-codes';
import { connect, type ConnectOptions } from '../gateway-client';
import { runOrLast } from '../last-run';
import { note, printJson } from '../output';
import { exitCodeOfRun, waitAndShow } from './submit';

/** `acr watch` */
export function registerWatch(program: Command): void {
  withConnection(program.command('watch'))
    .summary('follow a run live')
    .description('Follows a run until it is finished, then prints its report. Ctrl-C leaves the run alone.')
    .argument('[run]', 'id of the run (default: the last one)')
    .option('--json', 'print the events as JSON lines instead')
    .action(async (given: string | undefined, options: ConnectOptions & { json?: boolean }) => {
      const client = connect(options);
      const runId = await runOrLast(client, options, given);
      if (!options.json) return waitAndShow(client, runId, false);
      const stop = new AbortController();
      process.once('SIGINT', () => stop.abort());
      for await (const event of client.events(runId, stop.signal)) printJson(event);
      if (stop.signal.aborted) note(`Stopped watching; the run goes on: acr watch ${runId}`);
      process.exitCode = stop.signal.aborted ? EXIT.interrupted : exitCodeOfRun(await client.run(runId));
    });
}
