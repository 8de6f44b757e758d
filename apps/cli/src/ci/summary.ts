import type { Report } from '@acrouter/contracts/http-report';
import { duration, money, percent, plain } from '../text-layout';
import type { CiResult } from './ci-result';

/** Unsolved tasks listed; a pull request comment holds 65,536 characters. */
const MAX_LISTED = 50;

/** A run as Markdown, for a pull request or a job's summary. */
export function markdownSummary({ run, tasks }: CiResult, report: Report): string {
  const open = tasks.filter((t) => t.verdict !== 'solved');
  const more = open.length - MAX_LISTED;
  const simulated = run.simulated
    ? ['> Simulated models answered: no figure here says anything of real ones.', '']
    : [];
  return [
    `## ACRouter: ${run.solved} of ${run.taskCount} tasks solved`,
    '',
    ...simulated,
    '| cost | saved against the strongest model | attempts | took |',
    '|---|---|---|---|',
    `| ${costOf(run)} | ${savingOf(report)} | ${run.attempts} | ${tookOf(run)} |`,
    '',
    ...report.models.map(
      (m) =>
        `- ${text(plain(m.model))}: ${percent(m.share)} of the attempts, ${percent(m.successRate)} of them passed, ${money(m.costUsd)}`,
    ),
    '',
    ...(open.length === 0 ? [] : ['| task | outcome | |', '|---|---|---|']),
    ...open.slice(0, MAX_LISTED).map((t) => `| ${text(t.name)} | ${t.verdict} | ${text(t.message)} |`),
    ...(more > 0 ? ['', `… and ${more} more.`] : []),
    '',
    `Run ${text(run.id)}`,
    '',
  ].join('\n');
}

function costOf(run: CiResult['run']): string {
  const unknown = run.unknownCalls > 0 ? ` and ${run.unknownCalls} calls of unknown cost` : '';
  const limit = run.maxCostUsd === null ? '' : ` of ${money(run.maxCostUsd)}`;
  return `${money(run.costUsd)}${limit}${unknown}`;
}

function savingOf({ strongest }: Report): string {
  if (!strongest) return '–';
  const share = strongest.savingPercent === null ? '' : ` (${Math.round(strongest.savingPercent)} %)`;
  return `${money(strongest.savingUsd)}${share}`;
}

const tookOf = (run: CiResult['run']): string =>
  run.finishedAt === null
    ? 'still running'
    : duration(Date.parse(run.finishedAt) - Date.parse(run.createdAt));

/** Text of others as Markdown that shows just that text: no tables, links, mentions or HTML of its own. */
const text = (value: string): string =>
  value.replaceAll(/[^\p{L}\p{N} .,/()"]/gu, (c) =>
    c === '-' || c === '_' ? `\\${c}` : `&#${c.codePointAt(0)};`,
  );
