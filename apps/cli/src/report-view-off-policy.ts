import type { EstimateView, OffPolicyReport, OutcomeView } from '@acrouter/contracts/http-off-policy';
import { paint } from './output';
import { count, left, money, percent, plain, right, score, WIDTH, wrap } from './text-layout';

const OUTCOMES = [
  ['firstScore', 'score of the first attempt'],
  ['firstCostUsd', 'cost of the first attempt'],
  ['taskScore', 'score of the task'],
  ['taskCostUsd', 'cost of the task'],
] as const;

/** Tasks without a known outcome, in words; an empty list when there are none. */
function leftOut({ outcomes }: OffPolicyReport): string[] {
  const { firstScore, firstCostUsd, taskCostUsd } = outcomes;
  return [
    ...(firstScore.unsupported > 0
      ? [`${count(firstScore.unsupported)} tasks where its choice could not have been drawn`]
      : []),
    ...(firstScore.unknown > 0 ? [`${count(firstScore.unknown)} first attempts without a verdict`] : []),
    ...(firstCostUsd.unknown > 0 ? [`${count(firstCostUsd.unknown)} first attempts of unknown cost`] : []),
    ...(taskCostUsd.unknown > 0 ? [`${count(taskCostUsd.unknown)} tasks of unknown cost`] : []),
  ];
}

const NOTES =
  'First attempt: that policy alone, one attempt per task. Task: it makes the first attempt, then what was used ' +
  'goes on as it did, escalation included. Intervals: 95 %; – where too little is known for one.';

const ESTIMATORS = [
  ['doublyRobust', 'doubly robust'],
  ['snips', 'self-normalised'],
  ['ips', 'IPS'],
] as const;

type Key = (typeof OUTCOMES)[number][0];

const isScore = (key: Key) => key === 'firstScore' || key === 'taskScore';
const show = (key: Key, value: number) => (isScore(key) ? score(value) : money(value));

const interval = (key: Key, { low, high }: EstimateView) =>
  low === null || high === null ? '–' : `${show(key, low)} to ${show(key, high)}`;

/** One outcome in four lines: what was logged, and the three estimates with their intervals. */
function block(key: Key, name: string, outcome: OutcomeView): string[] {
  if (outcome.samples === 0) return [` ${left(name, 30)}${paint.dim('nothing to estimate from')}`];
  const { actual, samples, effectiveSamples } = outcome;
  const weight = `${count(samples)} tasks, effective n ${effectiveSamples.toFixed(1)}`;
  return [
    ` ${left(name, 28)}${right(show(key, actual.mean), 11)} logged  ${paint.dim(weight)}`,
    ...ESTIMATORS.map(
      ([estimator, label]) =>
        `   ${left(label, 26)}${right(show(key, outcome[estimator].mean), 11)}  ${paint.dim(interval(key, outcome[estimator]))}`,
    ),
  ];
}

const introOf = (report: OffPolicyReport) =>
  `${count(report.decisions)} first decisions, ${percent(report.agreement)} of them its own choice; ` +
  `support on ${percent(report.supportShare)} of the judged ones`;

/** The comparison with another policy for a person. Returns the text without a final newline. */
export function offPolicyView(report: OffPolicyReport): string {
  const missing = leftOut(report);
  return [
    paint.bold(`Had ${plain(report.against)} made the first decision`) + paint.dim('  (estimated)'),
    ...wrap(introOf(report), WIDTH).map((line) => paint.dim(line)),
    '',
    ...OUTCOMES.flatMap(([key, name]) => block(key, name, report.outcomes[key])),
    '',
    ...(missing.length > 0 ? wrap(`Left out, not counted as 0: ${missing.join(', ')}.`, WIDTH) : []),
    ...wrap(NOTES, WIDTH).map((line) => paint.dim(line)),
    '',
    ...wrap(plain(report.conclusion), WIDTH).map((line) => paint.bold(line)),
  ].join('\n');
}

/** The same as Markdown, for a pull request or a page. */
export function offPolicyMarkdown(report: OffPolicyReport): string {
  const missing = leftOut(report);
  const row = (cells: readonly string[]) => `| ${cells.map((c) => c.replaceAll('|', '\\|')).join(' | ')} |`;
  const rows = OUTCOMES.map(([key, name]) => {
    const outcome: OutcomeView = report.outcomes[key];
    if (outcome.samples === 0) return [name, '–', '–', '–', '–', '0'];
    const estimates = ESTIMATORS.map(
      ([estimator]) => `${show(key, outcome[estimator].mean)} (${interval(key, outcome[estimator])})`,
    );
    return [name, show(key, outcome.actual.mean), ...estimates, outcome.effectiveSamples.toFixed(1)];
  });
  const head = ['per task', 'logged', ...ESTIMATORS.map(([, label]) => label), 'effective n'];
  return [
    `## Had ${plain(report.against)} made the first decision`,
    '',
    `${introOf(report)}.`,
    '',
    row(head),
    `|${head.map(() => '---').join('|')}|`,
    ...rows.map(row),
    '',
    ...(missing.length > 0 ? [`Left out, not counted as 0: ${missing.join(', ')}.`, ''] : []),
    NOTES,
    '',
    `**${plain(report.conclusion)}**`,
  ].join('\n');
}
