import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { answerOf } from './collect';
import type { Integrated, UnitEnd } from './integrate';
import { nameOf, resultsOf, writeAtomically, type Journal } from './journal';
import type { Scratch } from './scratch';

/** The end of a refactor: `report.json`, and with `--json` the answer of the command. */
export interface RefactorReport {
  id: string;
  base: string;
  /** `null` when nothing was merged: then there is no branch either. */
  branch: string | null;
  head: string;
  runId: string | null;
  folder: string;
  merged: number;
  failed: number;
  skipped: number;
  /** Sum of the costs that are known; `null` when calls were made and none is. */
  costUsd: number | null;
  unknownCalls: number;
  simulated: boolean;
  files: FileReport[];
}

export interface FileReport {
  paths: string[];
  status: UnitEnd['status'];
  /** One line; `null` when merged. */
  reason: string | null;
  /** File with the end of what the command printed that failed; relative to `folder`. `null` where there is none. */
  output: string | null;
  commit: string | null;
  /** Model of the answer. */
  model: string | null;
  /** Models asked, in order. */
  models: string[];
  costUsd: number | null;
  unknownCalls: number;
  /** The change that was not merged, as a patch, or the answer that is none; relative to `folder`. */
  patch: string | null;
}

/** Writes report.json, report.md and the patches of what failed into the journal's folder. */
export async function writeReport(
  journal: Journal,
  scratch: Scratch,
  { head, ends }: Integrated,
): Promise<RefactorReport> {
  const { state, folder } = journal;
  rmSync(join(folder, 'patches'), { recursive: true, force: true });
  mkdirSync(join(folder, 'patches'));
  const files: FileReport[] = [];
  for (const [index, end] of ends.entries()) files.push(await fileReport(journal, scratch, end, index));
  const known = files.filter((f) => f.costUsd !== null);
  const calls = files.some((f) => f.models.length > 0);
  const count = (status: UnitEnd['status']) => files.filter((f) => f.status === status).length;
  const report: RefactorReport = {
    id: state.id,
    base: state.base,
    branch: head === state.base ? null : state.options.branch,
    head,
    runId: state.runId,
    folder,
    merged: count('merged'),
    failed: count('failed'),
    skipped: count('skipped'),
    costUsd: calls && known.length === 0 ? null : known.reduce((sum, f) => sum + (f.costUsd ?? 0), 0),
    unknownCalls: files.reduce((sum, f) => sum + f.unknownCalls, 0),
    simulated: Object.values(state.results).some((r) => r.simulated),
    files,
  };
  writeAtomically(join(folder, 'report.json'), JSON.stringify(report, null, 2));
  writeAtomically(join(folder, 'report.md'), reportMarkdown(report));
  return report;
}

async function fileReport(
  journal: Journal,
  scratch: Scratch,
  { unit, status, reason, output, commit, changes }: UnitEnd,
  index: number,
): Promise<FileReport> {
  const name = nameOf(journal.state, unit);
  const result = journal.state.results[name];
  const rounds = resultsOf(journal.state, unit);
  const known = rounds.flatMap((r) => r.costUsd ?? []);
  const slug = `${String(index + 1).padStart(4, '0')}-${(unit.paths[0] ?? '').replace(/[^\w.-]+/g, '-').slice(-80)}`;
  const outputFile = output === null ? null : `patches/${slug}.output.txt`;
  if (outputFile !== null) writeAtomically(join(journal.folder, outputFile), `${output}\n`);
  let patch: string | null = null;
  if (status === 'failed' && changes !== null) {
    const { base } = journal.state;
    patch = `patches/${slug}.patch`;
    writeAtomically(
      join(journal.folder, patch),
      await scratch.patch(base, await scratch.commit(base, changes, slug)),
    );
  } else if (status === 'failed' && result?.answered) {
    patch = `patches/${slug}.answer.md`;
    writeAtomically(join(journal.folder, patch), answerOf(journal, name) ?? '');
  }
  return {
    paths: unit.paths,
    status,
    reason,
    output: outputFile,
    commit,
    model: result?.model ?? null,
    models: rounds.flatMap((r) => r.models),
    costUsd: rounds.length > 0 && known.length === 0 ? null : known.reduce((sum, usd) => sum + usd, 0),
    unknownCalls: rounds.reduce((sum, r) => sum + r.unknownCalls, 0),
    patch,
  };
}

const usd = (value: number | null): string => (value === null ? 'unknown' : `$${value.toFixed(5)}`);

/** Why a file was not merged, and where to read on, in one line; '' when merged. */
export const reasonLine = ({ reason, output }: Pick<FileReport, 'reason' | 'output'>): string =>
  `${reason ?? ''}${output === null ? '' : `; the end of its output: ${output}`}`.replace(/\s+/g, ' ');

/** The report for a pull request. Pure. */
export function reportMarkdown(report: RefactorReport): string {
  const { merged, failed, skipped, costUsd, unknownCalls } = report;
  const unknown = unknownCalls > 0 ? `, and ${unknownCalls} calls of unknown cost` : '';
  const rows = report.files.map((f) => {
    const reason = reasonLine(f).replaceAll('|', '\\|');
    const paths = f.paths.map((p) => `\`${p}\``).join('<br>');
    return `| ${paths} | ${f.status} | ${reason} | ${f.models.join(' → ')} | ${usd(f.costUsd)} | ${f.patch ?? ''} |`;
  });
  return [
    `# Refactor ${report.id}`,
    '',
    ...(report.simulated ? ['**Simulated models answered: this says nothing about real ones.**', ''] : []),
    `${merged} merged, ${failed} failed, ${skipped} skipped. Cost: ${usd(costUsd)}${unknown}.`,
    report.branch === null
      ? 'Nothing was merged, so there is no branch.'
      : `Branch \`${report.branch}\`, verified at ${report.head.slice(0, 12)}, from ${report.base.slice(0, 12)}.`,
    '',
    '| files | end | reason | models | cost | left over |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
