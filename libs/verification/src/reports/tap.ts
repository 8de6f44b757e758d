import { messageOf, relativeFile, type TestCase } from '@acrouter/domain/verification/test-report';
import { Parser, type Result } from 'tap-parser';
import { MAX_TESTS, refuse } from './refused';

const MAX_DEPTH = 32;

/** Deepest indentation of a test point, in levels of four blanks; the parser makes a child for each. */
function checkDepth(text: string): void {
  const deep = /^(?: {4}){33}/m.test(text);
  if (deep) refuse(`its subtests lie more than ${MAX_DEPTH} deep`);
}

/** Longest line of a YAML block that is read, characters. */
const MAX_YAML_LINE = 500;

/**
 * The text with only the plain entries of its YAML blocks that we read, so that the YAML parser meets nothing deep,
 * long or clever; of a text in several lines, the first.
 */
function withPlainYaml(text: string): string {
  const kept: string[] = [];
  let inBlock = false;
  let opened: string | null = null;
  for (const line of text.split('\n')) {
    const trimmed = line.trim();
    if (opened !== null && trimmed !== '...')
      kept.push(`${opened} ${JSON.stringify(trimmed.slice(0, MAX_YAML_LINE))}`);
    opened = null;
    if (!inBlock || trimmed === '...') {
      inBlock = !inBlock && /^ +---$/.test(line.trimEnd());
      kept.push(line);
    } else if (/^ *(?:location|error|message): *[|>][-+]?$/.test(line))
      opened = line.replace(/ *[|>][-+]?$/, '');
    else if (line.length <= MAX_YAML_LINE && /^ *(?:location|error|message): [^[{&*!|>?%@`]/.test(line))
      kept.push(line);
  }
  return kept.join('\n');
}

/** What a failing point says of itself in its YAML block. */
function detail(diag: unknown, key: string): string | null {
  if (typeof diag !== 'object' || diag === null) return null;
  const value = (diag as Record<string, unknown>)[key];
  return typeof value === 'string' ? value : null;
}

function caseOf(result: Result, groups: readonly string[]): TestCase {
  const location = detail(result.diag, 'location');
  return {
    name: result.name,
    group: groups.join(' > '),
    file: location === null ? null : relativeFile(location),
    status: result.skip || result.todo ? 'skipped' : result.ok ? 'passed' : 'failed',
    message: result.ok ? null : messageOf(detail(result.diag, 'error') ?? detail(result.diag, 'message')),
  };
}

/**
 * Reads TAP 12 to 14. Only the points without subtests are tests. One plan must tell how many points there are at
 * the top; a bail-out, and a plan that does not fit, refuse the whole report.
 * @param repeatedIds whether numbers may occur twice, as in node's output for several files
 * @throws ReportRefused
 */
export function readTap(text: string, repeatedIds: boolean): TestCase[] {
  checkDepth(text);
  const bailOut = /^Bail out!(.*)$/m.exec(text)?.[1];
  if (bailOut !== undefined) refuse(`the tests bailed out: ${bailOut.trim().slice(0, 200)}`);
  const plans = text.match(/^\d+\.\.\d+/gm)?.length ?? 0;
  if (plans !== 1) refuse(plans === 0 ? 'it has no plan, so it may be cut off' : 'it has more than one plan');
  const tests: TestCase[] = [];
  const parser = new Parser({ strict: false });
  const seen = { points: 0, plan: 0 };
  follow(parser, [], tests, repeatedIds);
  parser.on('assert', () => seen.points++);
  parser.on('plan', (plan) => (seen.plan = plan.end - plan.start + 1));
  parser.end(withPlainYaml(text));
  if (seen.plan !== seen.points) refuse(`its plan says ${seen.plan} tests, but it has ${seen.points}`);
  return tests;
}

/** Collects the points of a parser and of its children; a child's title is that of the point that ends it. */
function follow(parser: Parser, groups: readonly string[], tests: TestCase[], repeatedIds: boolean): void {
  const ids = new Set<number>();
  let inside: TestCase[][] = [];
  parser.on('child', (child) => {
    const mine: TestCase[] = [];
    inside.push(mine);
    follow(child, groups, mine, repeatedIds);
  });
  parser.on('assert', (result) => {
    if (!repeatedIds && result.id > 0 && ids.has(result.id)) refuse(`test ${result.id} is there twice`);
    ids.add(result.id);
    if (tests.length >= MAX_TESTS) refuse(`it has more than ${MAX_TESTS} tests`);
    const nested = inside.flat().map((t) => within(t, result.name));
    inside = [];
    // A group that failed although all its tests passed failed by itself: in its set-up, or for want of tests.
    const ownFailure = !result.ok && !nested.some((t) => t.status === 'failed');
    if (nested.length > 0) tests.push(...nested);
    if (nested.length === 0 || ownFailure) tests.push(caseOf(result, groups));
  });
}

const within = (test: TestCase, title: string): TestCase => ({
  ...test,
  group: test.group === '' ? title : `${title} > ${test.group}`,
});
