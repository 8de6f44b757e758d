import type { ReportFormat, TestCase } from '@acrouter/domain/verification/test-report';
import { readGoJson } from './go';
import { readJestJson } from './jest';
import { readJunit } from './junit';
import { refuse, ReportRefused } from './refused';
import { readTap } from './tap';

/** The tests of a report, or why it counts for nothing. */
export type ReadReport = { kind: 'read'; tests: TestCase[] } | { kind: 'refused'; reason: string };

const isXml = (text: string) => text.trimStart().startsWith('<');

function read(format: ReportFormat, text: string): TestCase[] {
  switch (format) {
    case 'pytest':
      return readJunit(text).map(pytestFile);
    case 'junit':
      return readJunit(text);
    case 'jest':
      return isXml(text) ? readJunit(text) : readJestJson(text);
    case 'node':
      return (isXml(text) ? readJunit(text) : readTap(text, true)).map(nodeFile);
    case 'tap':
      return readTap(text, false);
    case 'go':
      return readGoJson(text);
  }
}

/** A file that pytest could not load has its module's name and no class. */
const pytestFile = (test: TestCase): TestCase =>
  test.group === '' && test.status === 'failed' && !test.name.startsWith('test_')
    ? { ...test, fileLevel: true }
    : test;

/** node reports a file that ended without a test of its own as a test with the file's name. */
const nodeFile = (test: TestCase): TestCase =>
  /\.[cm]?[jt]sx?$/.test(test.name) && (test.group === '' || test.group === 'test')
    ? { ...test, fileLevel: true }
    : test;

/** Characters that the names of all tests may have together; groups of TAP are repeated in each of their tests. */
const MAX_NAME_CHARS = 8_000_000;

function checkNames(tests: readonly TestCase[]): void {
  const chars = tests.reduce((sum, t) => sum + t.name.length + t.group.length + (t.file?.length ?? 0), 0);
  if (chars > MAX_NAME_CHARS) refuse('the names of its tests are too long');
}

/** Reads the report of a test run, which may come from hostile code: bounded, and never throws. */
export function readTestReport(format: ReportFormat, texts: readonly string[]): ReadReport {
  try {
    const tests = texts.flatMap((text) => read(format, text.replace(/^\ufeff/, '')));
    checkNames(tests);
    return { kind: 'read', tests };
  } catch (error) {
    if (error instanceof ReportRefused) return { kind: 'refused', reason: error.message };
    // A parser of somebody else's that was brought to its limits, such as the depth of the stack.
    return { kind: 'refused', reason: `it cannot be read (${(error as Error).message.slice(0, 200)})` };
  }
}
