import type { DecisionView, Explanation } from '@acrouter/contracts/http';
import type { Command } from 'commander';
import { withConnection } from '../connect-options';
import { findTask } from '../find-task';
import { connect, type ConnectOptions } from '../gateway-client';
import { paint, print, printJson } from '../output';
import { duration, left, money, percent, plain, right, score, WIDTH, wrap } from '../text-layout';

/** `acr explain` */
export function registerExplain(program: Command): void {
  withConnection(program.command('explain'))
    .summary('why each model was chosen for a task')
    .description('Every decision on a task: candidates, predictions, votes, probability, neighbours, result.')
    .argument('<task>', 'id of the task, yours or ours')
    .option('--json', 'print it as one JSON document')
    .action(async (name: string, options: ConnectOptions & { json?: boolean }) => {
      const client = connect(options);
      const explanation = await client.explain(await findTask(client, name));
      if (options.json) printJson(explanation);
      else print(explanationView(explanation));
    });
}

function explanationView(e: Explanation): string {
  const name = plain(e.externalId ?? e.taskId);
  const known = e.context
    ? `${e.context.dimension} (${e.context.dimensionBy}), ${plain(e.context.language)}; ${e.context.neighbours} similar attempts remembered`
    : 'nothing recalled yet';
  return [
    ` ${paint.bold(name)}  ${e.outcome ?? e.status}  ${paint.dim(e.taskId)}`,
    ` ${known}`,
    ...e.decisions.flatMap(decisionLines),
    ...e.feedback.map(
      (f) =>
        ` feedback on attempt ${f.attempt} from ${plain(f.source)}: ${plain(f.metric)} = ${plain(JSON.stringify(f.value))}`,
    ),
  ].join('\n');
}

function decisionLines(d: DecisionView): string[] {
  const drawn =
    d.probability === null ? '' : `  drawn with ${percent(d.probability)}${d.explored ? ', to explore' : ''}`;
  const what = { attempt: `${plain(d.model ?? '')}`, stop: 'stop', wait: 'wait' }[d.action];
  const candidates = [...d.candidates].sort((a, b) => b.probability - a.probability);
  const votes = new Set(candidates.flatMap((c) => Object.keys(c.votes)));
  return [
    '',
    ` ${paint.bold(`Decision ${d.turn}: ${what}`)}${paint.dim(drawn)}`,
    ...wrap(plain(d.reason), WIDTH - 4).map((text) => `   ${text}`),
    paint.dim(
      `   policy ${plain(d.policy)} ${plain(d.policyVersion)}, ${duration(d.decideMs)}, cost weight ${d.costWeight}, ${d.attemptsLeft} attempts left, budget left ${d.budgetLeftUsd === null ? 'no limit' : money(d.budgetLeftUsd)}`,
    ),
    ...(candidates.length > 0
      ? [
          paint.dim(
            `   ${left('candidate', 30)}${right('score', 7)}${right('cost', 12)}${right('drawn', 8)}  ${left([...votes].join(' / '), 18)}`,
          ),
        ]
      : []),
    ...candidates.map((c) => candidateLine(c, c.model === d.model, [...votes])),
    ...neighbourLines(d),
    ...resultLines(d),
  ];
}

function candidateLine(c: DecisionView['candidates'][number], chosen: boolean, votes: string[]): string {
  const cast = votes.map((name) => score(c.votes[name] ?? null)).join(' / ');
  const text =
    ` ${chosen ? '▸' : ' '} ${left(plain(c.model), 30)}${right(score(c.predictedScore), 7)}` +
    `${right(money(c.predictedCostUsd), 12)}${right(percent(c.probability), 8)}  ${left(c.available ? cast : 'not available', 18).trimEnd()}`;
  return chosen ? paint.bold(text) : c.available ? text : paint.dim(text);
}

function neighbourLines(d: DecisionView): string[] {
  if (d.neighbours.length === 0) return [];
  const nearest = d.neighbours
    .slice(0, 3)
    .map((n) => `${plain(n.model)} scored ${score(n.score)} (similarity ${n.similarity.toFixed(2)})`);
  return [paint.dim('   nearest in memory:'), ...nearest.map((text) => paint.dim(`     ${text}`))];
}

function resultLines({ result }: DecisionView): string[] {
  if (!result) return [];
  const verdict = result.passed
    ? paint.green('passed')
    : paint.yellow(result.status === 'recorded' ? 'did not pass' : result.status);
  const took = result.latencyMs === null ? '' : `, answered in ${duration(result.latencyMs)}`;
  const error = result.error ? [`     ${plain(result.error.message).slice(0, WIDTH - 6)}`] : [];
  const checks = result.checks.flatMap(checkLines).map((text) => paint.dim(`     ${text}`));
  const sure = result.confidence === null ? '' : `, ${percent(result.confidence)} sure`;
  return [
    `   → ${verdict}, score ${score(result.score)}${sure}, cost ${money(result.costUsd)}${took}`,
    ...error,
    ...checks,
  ];
}

/** One signal: what it said, its share of the score, and why where there is something to say. */
function checkLines(c: NonNullable<DecisionView['result']>['checks'][number]): string[] {
  const weight = c.score === null ? 'left out' : `weight ${percent(c.weight)}`;
  const head = `${left(c.kind, 13)}${left(c.status, 14)}${right(score(c.score), 5)}  ${weight}`;
  const said = c.message && (c.status !== 'passed' || c.kind === 'judge') ? plain(c.message) : '';
  const runs = (c.runs ?? []).map((r) => {
    const failed = r.failed.filter((name) => name !== '*').join('; ');
    return `${r.status}${failed ? ` (${failed})` : ''}`;
  });
  return [
    head,
    ...(runs.length > 0 ? [`  repeated: first ${runs.map(plain).join(', then ')}`] : []),
    ...(said === ''
      ? []
      : wrap(said, WIDTH - 8)
          .slice(0, 4)
          .map((text) => `  ${text}`)),
  ];
}
