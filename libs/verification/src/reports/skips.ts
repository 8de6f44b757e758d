import type { TestCase } from '@acrouter/domain/verification/test-report';

/** What tests of pytest and unittest write to be left out, or to be expected to fail. */
const SKIP =
  /\b(?:skip|skipif|skipIf|skipUnless|skipTest|SkipTest|importorskip|SKIP|xfail|expectedFailure)\b/;
const DEFINITION = /^(\s*)(?:async\s+)?def\s+(\w+)/;

/** Said of a test that was skipped although nothing in the task's files skips it. */
export const UNASKED_SKIP = 'skipped, which no file of the task asks for';

const indentOf = (line: string) => line.length - line.trimStart().length;

/** First line of a function: that of its first decorator, which may go over several lines. */
function startOf(lines: readonly string[], at: number, indent: number): number {
  let start = at;
  for (let i = at - 1; i >= 0; i--) {
    const line = lines[i] as string;
    if (line.trim() === '' || DEFINITION.test(line)) break;
    if (indentOf(line) < indent || (indentOf(line) === indent && !/^\s*[@)\]}]/.test(line))) break;
    if (indentOf(line) === indent && line.trimStart().startsWith('@')) start = i;
  }
  return start;
}

function endOf(lines: readonly string[], at: number, indent: number): number {
  const after = lines.findIndex(
    (line, i) => i > at && line.trim() !== '' && indentOf(line) <= indent && !/^\s*[)\]}]/.test(line),
  );
  return after < 0 ? lines.length : after;
}

/** Who skips in a Python file: test functions by name, and whether anything outside of them does. */
function skippersIn(text: string): { names: string[]; outside: boolean } {
  const lines = text.split('\n');
  const names: string[] = [];
  const inTest = new Set<number>();
  lines.forEach((line, at) => {
    const [, space, name] = DEFINITION.exec(line) ?? [];
    if (space === undefined || !name?.startsWith('test') || inTest.has(at)) return;
    const [start, end] = [startOf(lines, at, space.length), endOf(lines, at, space.length)];
    for (let i = start; i < end; i++) inTest.add(i);
    if (SKIP.test(lines.slice(start, end).join('\n'))) names.push(name);
  });
  return { names, outside: lines.some((line, i) => !inTest.has(i) && SKIP.test(line)) };
}

/**
 * Counts tests as failed that were skipped, or failed as expected, although none of the task's Python files says so: in
 * the test itself, or outside of all tests (a fixture, a mark of the class or of the module, conftest.py). Then the
 * skip came from the answer.
 * @param texts the task's files, without those that the answer may change
 * @param planted names of planted tests, of which a skip is read elsewhere
 */
export function withoutUnaskedSkips(
  tests: readonly TestCase[],
  texts: readonly string[],
  planted: ReadonlySet<string>,
): TestCase[] {
  if (!tests.some((test) => test.status === 'skipped')) return [...tests];
  const found = texts.map(skippersIn);
  if (found.some((file) => file.outside)) return [...tests];
  const asked = new Set(found.flatMap((file) => file.names));
  return tests.map((test) =>
    test.status === 'skipped' && !planted.has(test.name) && !asked.has(test.name.split('[')[0] ?? '')
      ? { ...test, status: 'failed', message: UNASKED_SKIP }
      : test,
  );
}

const lastLine = (text: string) => text.trimEnd().split('\n').at(-1) ?? '';
const sum = (line: string, words: RegExp) =>
  [...line.matchAll(words)].reduce((total, [, count]) => total + Number(count), 0);

/** Tests that ran and that were left out, as the last line of pytest or unittest tells; `null` for any other output. */
function countsIn(stdout: string, stderr: string): { ran: number; skipped: number } | null {
  const pytest = lastLine(stdout).slice(0, 500);
  if (/^(?:=+ )?(?:\d+ \w+|no tests ran)\b.* in [\d.]+s\b/.test(pytest))
    return {
      ran: sum(pytest, /(\d+) (?:passed|failed|errors?|xpassed)\b/g),
      skipped: sum(pytest, /(\d+) (?:skipped|xfailed)\b/g),
    };
  const unittest = /^(?:OK|FAILED|NO TESTS RAN)\b.{0,200}$/.exec(lastLine(stderr));
  const ran = /^Ran (\d+) tests? in /m.exec(stderr.slice(-500));
  if (!unittest || !ran) return null;
  const skipped = sum(unittest[0], /(?:skipped|expected failures)=(\d+)/g);
  return { ran: Number(ran[1]) - skipped, skipped };
}

/**
 * Why a command that ended with success shows nothing, by the summary that pytest and unittest print last.
 * - `nothing-ran`: every test was skipped, or there was none
 * - `unasked`: tests were skipped, and no file of the task skips any
 */
export function skipsOf(
  output: { stdout: string; stderr: string },
  texts: readonly string[],
): 'nothing-ran' | 'unasked' | null {
  const counts = countsIn(output.stdout, output.stderr);
  if (!counts) return null;
  if (counts.skipped > 0 && !texts.some((text) => SKIP.test(text))) return 'unasked';
  return counts.ran === 0 ? 'nothing-ran' : null;
}
