/** One test as a framework's report tells of it. */
export interface TestCase {
  /** Title of the test itself. */
  name: string;
  /** What it belongs to: JUnit's class name, or the titles around it joined by ` > `; '' for none. */
  group: string;
  /** File it stands in, relative to the work folder where the report says so; else `null`. */
  file: string | null;
  status: 'passed' | 'failed' | 'skipped';
  /** Why it failed, at most MESSAGE_CHARS; `null` where the report says nothing. */
  message: string | null;
  /** Stands for a whole file that could not be loaded, or that held no test; it is not counted when it passed. */
  fileLevel?: boolean;
}

/** Formats of reports. The first three name a test framework, the others a format. */
export const REPORT_FORMATS = ['pytest', 'jest', 'node', 'go', 'junit', 'tap'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

/** Kept of a failure's text, characters. */
export const MESSAGE_CHARS = 300;

/** Where the sandbox keeps the work folder; reports name files with it. */
const WORK_FOLDER = /^(?:file:\/\/)?\/box\//;

/** A path of a report, relative to the work folder. */
export const relativeFile = (path: string): string =>
  path
    .replace(WORK_FOLDER, '')
    .replace(/^\.\//, '')
    .replace(/(\.[cm]?[jt]sx?)(:\d+)+$/, '$1');

/** One line that tells of a failure. */
export const messageOf = (text: string | null | undefined): string | null => {
  const trimmed = (text ?? '').trim();
  return trimmed === '' ? null : trimmed.slice(0, MESSAGE_CHARS);
};

/** Name of a test that is the same in every run: file, group and title as far as they are known. */
export const idOf = (test: TestCase): string =>
  [test.file, test.group, test.name].filter((part) => part).join(' > ');

/** `tests/test_a.py::TestB::test_c[x]` → `tests.test_a.TestB.test_c[x]`, as pytest's JUnit file names it. */
function nodeKey(name: string): string {
  const [head = '', ...rest] = name.split('[');
  const plain = head.replace(/\.py(?=::|$)/, '').replace(/::|\//g, '.');
  return [plain, ...rest].join('[');
}

function namesOf(test: TestCase): string[] {
  const { name, group, file } = test;
  const titled = group
    ? [`${group}.${name}`, `${group}::${name}`, `${group} ${name}`, `${group} > ${name}`]
    : [];
  const inFile = file === null ? [] : [`${file}::${name}`, ...titled.map((t) => `${file} > ${t}`)];
  return [idOf(test), name, ...titled, ...inFile];
}

/** Tests by every name that a task may give them. */
export class TestIndex {
  private readonly byName = new Map<string, TestCase[]>();

  constructor(tests: readonly TestCase[]) {
    for (const test of tests)
      for (const name of new Set(namesOf(test))) {
        const there = this.byName.get(name);
        if (there) there.push(test);
        else this.byName.set(name, [test]);
      }
  }

  /** All tests that go by `name`: an id, a title, `group.title`, or pytest's `file::class::test`. */
  find(name: string): readonly TestCase[] {
    return this.byName.get(name) ?? this.byName.get(nodeKey(name)) ?? [];
  }
}

/** Counts of a report. */
export interface ReportSums {
  passed: number;
  failed: number;
  skipped: number;
  /** Share of passed among those that ran; `null` when none did. */
  share: number | null;
  /** Failures by name, with what the report says of them; at most MAX_LISTED. */
  failures: { name: string; message: string | null }[];
}

/** Failures that evidence lists. */
export const MAX_LISTED = 20;

/** Sums of a report; skipped tests are left out of the share, and so are files that hold no test. */
export function sumsOf(tests: readonly TestCase[]): ReportSums {
  const counted = tests.filter((t) => !(t.fileLevel && t.status === 'passed'));
  const count = (status: TestCase['status']) => counted.filter((t) => t.status === status).length;
  const [passed, failed] = [count('passed'), count('failed')];
  return {
    passed,
    failed,
    skipped: count('skipped'),
    share: passed + failed === 0 ? null : passed / (passed + failed),
    failures: counted
      .filter((t) => t.status === 'failed')
      .slice(0, MAX_LISTED)
      .map((t) => ({ name: idOf(t), message: t.message })),
  };
}
