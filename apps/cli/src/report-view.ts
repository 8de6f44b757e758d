import type { PercentilesView, Report, StrongestReport } from '@acrouter/contracts/http-report';
import { paint } from './output';
import { bar, count, duration, left, money, percent, plain, right, score, WIDTH, wrap } from './text-layout';

const LABEL = 11;
const INDENT = ' '.repeat(LABEL + 1);

/** The report for a person: 80 columns, most important first. Returns the text without a final newline. */
export function reportView(report: Report): string {
  return [
    ...headOf(report),
    ...resultOf(report),
    ...strongestOf(report),
    ...modelsOf(report),
    ...dimensionsOf(report),
    ...calibrationOf(report),
    ...latencyOf(report),
  ].join('\n');
}

const line = (label: string, text: string): string => ` ${paint.dim(left(label, LABEL))}${text}`;
const heading = (text: string, rest = ''): string[] => ['', ` ${paint.bold(text)}${rest}`];
const between = (low: number, high: number, show: (value: number) => string): string =>
  paint.dim(`95 %: ${show(low)} to ${show(high)}`);

function headOf(report: Report): string[] {
  const badge = { none: '', some: 'PARTLY SIMULATED', all: 'SIMULATED POOL' }[report.simulated];
  const scope = report.scope.run ? `run ${plain(report.scope.run)}` : 'everything';
  const head = ` ${paint.bold('ACRouter')}  ${left(scope, WIDTH - 13 - badge.length)}${badge && paint.yellow(paint.bold(badge))}`;
  const notes: string[] = [];
  if (report.simulated !== 'none')
    notes.push('Simulated models were used: scores and costs say nothing of real ones.');
  if (report.unsafeChecks > 0)
    notes.push(`${count(report.unsafeChecks)} checks ran WITHOUT a sandbox (--unsafe).`);
  if (report.deleted && report.deleted.tasks > 0)
    notes.push(
      `${count(report.deleted.tasks)} older tasks were deleted and are in no figure below; they cost ${money(report.deleted.costUsd)}.`,
    );
  return [head, paint.dim('─'.repeat(WIDTH)), ...notes.map((text) => ` ${paint.yellow(text)}`)];
}

function resultOf(report: Report): string[] {
  const { tasks, cost } = report;
  const unsettled = tasks.total - tasks.settled;
  const others = Object.entries(tasks.outcomes)
    .filter(([name, n]) => name !== 'solved' && n > 0)
    .map(([name, n]) => `${count(n)} ${name}`);
  if (unsettled > 0) others.push(`${count(unsettled)} not finished`);
  const solved = `${count(tasks.solved)} of ${count(tasks.settled)}`;
  const share = tasks.solvedShare ?? 0;
  const details = [
    `${count(report.escalations)} escalations`,
    ...(report.exploredShare === null ? [] : [`${percent(report.exploredShare)} explored`]),
  ];
  return [
    '',
    line('solved', `${paint.green(bar(share, 28))} ${paint.bold(solved)}  ${percent(tasks.solvedShare)}`),
    ...(others.length > 0 ? [INDENT + paint.dim(others.join(', '))] : []),
    line('score', `${paint.bold(score(tasks.averageScore))} on average`),
    line(
      'attempts',
      `${tasks.attemptsPerTask?.toFixed(2) ?? '–'} per task  ${paint.dim(details.join(', '))}`,
    ),
    line(
      'cost',
      `${paint.bold(money(cost.knownUsd))}  ${paint.dim(`${count(cost.calls)} calls, ${count(cost.inputTokens)} tokens in, ${count(cost.outputTokens)} out`)}`,
    ),
    ...(cost.verification.calls > 0
      ? [
          INDENT +
            paint.dim(
              `${money(cost.verification.knownUsd)} of it for ${count(cost.verification.calls)} calls that checked answers`,
            ),
        ]
      : []),
    ...(cost.unknownCalls > 0
      ? [INDENT + paint.yellow(`and ${count(cost.unknownCalls)} calls whose cost the provider did not tell`)]
      : []),
    ...(report.regret
      ? [
          line(
            'regret',
            `${report.regret.perTask.toFixed(3)} per task  ${between(...report.regret.perTaskInterval, (v) => v.toFixed(3))}`,
          ),
        ]
      : []),
  ];
}

function strongestOf(report: Report): string[] {
  const { strongest } = report;
  if (!strongest) return [];
  const cost = `${money(strongest.costUsd)}, routed ${money(strongest.actualCostUsd)}  ${between(...strongest.costInterval, money)}`;
  const interval = strongest.savingPercentInterval;
  const saved =
    strongest.savingPercent === null
      ? money(strongest.savingUsd)
      : `${Math.round(strongest.savingPercent)} %  ${interval ? between(...interval, (v) => `${Math.round(v)} %`) : ''}`;
  const scores =
    strongest.score === null
      ? []
      : [
          line(
            'score',
            `${score(strongest.score)}, routed ${score(strongest.actualScore)}  ${strongest.scoreInterval ? between(...strongest.scoreInterval, score) : ''}`,
          ),
        ];
  return [
    ...heading(`Had ${plain(strongest.model)} done everything`, paint.dim(`  (estimated)`)),
    line('cost', cost),
    line(strongest.savingUsd >= 0 ? 'saved' : 'lost', paint.bold(saved)),
    ...scores,
    ...wrap(basisOf(strongest), WIDTH - LABEL - 2).map((text) => INDENT + paint.dim(text)),
  ];
}

/** What the estimate rests on, in a sentence; the whole method is in `--json`. */
function basisOf(strongest: StrongestReport): string {
  const { costBasis, scoreBasis, tasksCompared, tasksLeftOut } = strongest;
  const leftOut = tasksLeftOut > 0 ? `, ${count(tasksLeftOut)} left out (cost unknown, or no answer)` : '';
  const { unknown } = scoreBasis;
  const scored = unknown > 0 ? `scores of ${count(tasksCompared - unknown)} of them; ` : '';
  return (
    `${count(tasksCompared)} tasks compared${leftOut}; ${scored}its cost on them: ${count(costBasis.observed)} real, ` +
    `${count(costBasis.ownOutput)} from its own other answers, ${count(costBasis.triedOutput)} from those of other models. ` +
    'Method: acr report --json.'
  );
}

function modelsOf(report: Report): string[] {
  if (report.models.length === 0) return [];
  const widest = Math.max(...report.models.map((m) => m.share));
  const rows = report.models.map(
    (m) =>
      ` ${left(plain(m.model), 30)} ${paint.cyan(bar(m.share / (widest || 1), 10, ' '))}${right(percent(m.share), 6)}` +
      `${right(count(m.attempts), 7)}${right(percent(m.successRate), 8)}${right(money(m.costUsd), 12)}` +
      (m.outages > 0 ? paint.yellow(` ${m.outages}!`) : ''),
  );
  const outages = report.models.some((m) => m.outages > 0)
    ? [paint.dim(' n! = attempts without an answer (outages)')]
    : [];
  const columns = paint.dim(
    ` ${left('model', 30)} ${right('share', 16)}${right('tries', 7)}${right('passed', 8)}${right('cost', 12)}`,
  );
  return ['', columns, ...rows, ...outages];
}

function dimensionsOf(report: Report): string[] {
  if (report.dimensions.length === 0) return [];
  const columns = paint.dim(
    ` ${left('kind of task', 30)} ${right('solved', 16)}${right('tasks', 7)}${right('score', 8)}`,
  );
  const rows = report.dimensions.map((d) => {
    const share = d.settled > 0 ? d.solved / d.settled : 0;
    return (
      ` ${left(plain(d.dimension), 30)} ${paint.green(bar(share, 10, ' '))}${right(percent(share), 6)}` +
      `${right(count(d.tasks), 7)}${right(score(d.averageScore), 8)}`
    );
  });
  return ['', columns, ...rows];
}

/** How far each signal can be trusted, over all dimensions; those with pairs of one dimension only are in the JSON. */
function calibrationOf(report: Report): string[] {
  const lines = report.calibration.filter((line) => line.dimension === null);
  if (lines.length === 0) return [];
  const columns = paint.dim(
    ` ${left('signal, against given tests', 30)} ${right('pairs', 10)}${right('bias', 9)}${right('reliable', 10)}${right('weight', 9)}`,
  );
  const rows = lines.map(({ signal, source, pairs, bias, reliability, weightFactor }) => {
    const name = source === '' ? signal : `${signal} ${plain(source)}`;
    const signed = `${bias < 0 ? '−' : '+'}${Math.abs(bias).toFixed(2)}`;
    return (
      ` ${left(name, 30)} ${right(count(pairs), 10)}${right(signed, 9)}${right(reliability.toFixed(2), 10)}` +
      right(percent(weightFactor), 9)
    );
  });
  return ['', columns, ...rows];
}

const STAGES = [
  ['queueWait', 'waiting in queues'],
  ['recall', 'recall (memory)'],
  ['decide', 'decide (policy)'],
  ['execute', 'execute (model)'],
  ['verify', 'verify (sandbox)'],
  ['commit', 'commit (memory)'],
  ['loopWork', 'the loop’s own work'],
  ['overhead', 'all but model and check'],
  ['endToEnd', 'task, start to end'],
] as const;

function latencyOf(report: Report): string[] {
  const rows = STAGES.flatMap(([key, name]) => {
    const value: PercentilesView | null = report.latencyMs[key];
    return value
      ? [` ${left(name, 30)}${[value.p50, value.p95, value.p99].map((v) => right(duration(v), 12)).join('')}`]
      : [];
  });
  if (rows.length === 0) return [];
  const columns = paint.dim(` ${left('time', 30)}${['p50', 'p95', 'p99'].map((p) => right(p, 12)).join('')}`);
  return ['', columns, ...rows];
}
