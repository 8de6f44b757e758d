import type { CiResult } from './ci-result';

/** GitHub shows ten errors and ten warnings per step; more would only fill the log. */
const MAX_ANNOTATIONS = 10;

/**
 * GitHub's workflow commands, one line each, for tasks that are not solved. Source: GitHub, "Workflow commands for
 * GitHub Actions".
 */
export function githubAnnotations({ tasks, file }: CiResult): string[] {
  const open = tasks.filter((t) => t.verdict !== 'solved');
  const lines = open.slice(0, MAX_ANNOTATIONS).map((task) => {
    const kind = task.verdict === 'cancelled' || task.verdict === 'pending' ? 'warning' : 'error';
    const place = file === null ? '' : `file=${property(file)},line=${task.line ?? 1},`;
    return `::${kind} ${place}title=${property(`${task.name}: ${task.verdict}`)}::${data(task.message)}`;
  });
  const rest = open.length - lines.length;
  return rest > 0
    ? [...lines, `::notice::${rest} more tasks are not solved; the job summary lists them`]
    : lines;
}

/** Without these escapes, a task's name could give GitHub commands of its own. */
const data = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
