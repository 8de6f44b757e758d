import { messageOf, type TestCase } from '@acrouter/domain/verification/test-report';
import { z } from 'zod';
import { MAX_TESTS, refuse } from './refused';

/** One line of `go test -json`. Source: `go doc test2json`. */
const eventSchema = z.object({
  Action: z.string(),
  Package: z.string().max(2_000).default(''),
  Test: z.string().max(2_000).optional(),
  Output: z.string().optional(),
});

const ENDS: Partial<Record<string, TestCase['status']>> = { pass: 'passed', fail: 'failed', skip: 'skipped' };

/**
 * Reads `go test -json`. A test that began and never ended counts as failed, and so does a package that failed
 * without a failed test (it was not built, or its process ended early). Tests with subtests are left out for these.
 * @throws ReportRefused
 */
export function readGoJson(text: string): TestCase[] {
  const tests = new Map<string, TestCase>();
  const output = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const event = eventOf(line);
    const { Action, Package, Test } = event;
    const key = `${Package}\0${Test ?? ''}`;
    if (Action === 'output') output.set(key, ((output.get(key) ?? '') + (event.Output ?? '')).slice(-1_000));
    const status = Action === 'run' ? 'failed' : ENDS[Action];
    if (status === undefined || (Test === undefined && status !== 'failed')) continue;
    if (tests.size >= MAX_TESTS) refuse(`it has more than ${MAX_TESTS} tests`);
    const fileLevel = Test === undefined;
    tests.set(key, { name: Test ?? Package, group: Package, file: null, status, message: null, fileLevel });
  }
  for (const [key, test] of tests) if (test.status === 'failed') test.message = messageOf(output.get(key));
  return leaves(tests);
}

/** The tests without those that only hold others, unless they failed by themselves. */
function leaves(tests: ReadonlyMap<string, TestCase>): TestCase[] {
  const holders = new Set<string>();
  const explained = new Set<string>();
  for (const [key, { fileLevel, status, group }] of tests) {
    if (fileLevel) continue;
    if (status === 'failed') explained.add(`${group}\0`);
    for (let at = key.lastIndexOf('/'); at > key.indexOf('\0'); at = key.lastIndexOf('/', at - 1)) {
      holders.add(key.slice(0, at));
      if (status === 'failed') explained.add(key.slice(0, at));
    }
  }
  return [...tests]
    .filter(([key, t]) =>
      holders.has(key) || t.fileLevel ? t.status === 'failed' && !explained.has(key) : true,
    )
    .map(([, t]) => t);
}

function eventOf(line: string): z.infer<typeof eventSchema> {
  try {
    return eventSchema.parse(JSON.parse(line));
  } catch {
    return refuse(`"${line.slice(0, 80)}" is no line of "go test -json"`);
  }
}
