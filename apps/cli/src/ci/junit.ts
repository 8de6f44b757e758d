import type { CiResult, CiTask } from './ci-result';

/** A run as JUnit XML, in the form that GitLab, Jenkins and GitHub's test reporters read. */
export function junitXml({ run, tasks, file }: CiResult): string {
  const count = (element: string) => tasks.filter((t) => ELEMENTS[t.verdict] === element).length;
  const counts = `tests="${tasks.length}" failures="${count('failure')}" errors="${count('error')}" skipped="${count('skipped')}"`;
  const seconds = tasks.reduce((sum, t) => sum + t.durationMs, 0) / 1_000;
  const suite = `name="${xml(run.name ?? run.id)}" ${counts} time="${seconds.toFixed(3)}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${suite}>`,
    `<testsuite ${suite} timestamp="${xml(run.createdAt)}">`,
    `<properties><property name="run" value="${xml(run.id)}"/><property name="costUsd" value="${run.costUsd ?? 'unknown'}"/></properties>`,
    ...tasks.map((task) => testCase(task, file)),
    '</testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

const ELEMENTS = {
  solved: null,
  unsolved: 'failure',
  'over-budget': 'failure',
  infrastructure: 'error',
  pending: 'error',
  cancelled: 'skipped',
} as const;

function testCase(task: CiTask, file: string | null): string {
  const place =
    file === null ? '' : ` file="${xml(file)}"${task.line === null ? '' : ` line="${task.line}"`}`;
  const head = `<testcase name="${xml(task.name)}" classname="acr.${xml(task.dimension)}" time="${(task.durationMs / 1_000).toFixed(3)}"${place}`;
  const element = ELEMENTS[task.verdict];
  if (element === null) return `${head}/>`;
  const type = element === 'skipped' ? '' : ` type="${task.verdict}"`;
  return `${head}><${element}${type} message="${xml(task.message)}"/></testcase>`;
}

/** Text for an attribute: escaped, and without the characters that XML 1.0 (§2.2) does not have. */
function xml(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&apos;',
  };
  return text
    .toWellFormed()
    .replaceAll(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll(/[&<>"']/g, (c) => entities[c] ?? c)
    .replaceAll(/[\t\n\r]/g, ' ');
}
