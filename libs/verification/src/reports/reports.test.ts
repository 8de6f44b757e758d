import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  REPORT_FORMATS,
  sumsOf,
  TestIndex,
  type ReportFormat,
} from '@acrouter/domain/verification/test-report';
import { readTestReport } from './read-report';

const read = (format: ReportFormat, text: string) => {
  const report = readTestReport(format, [text]);
  return report.kind === 'read' ? report.tests : report.reason;
};
const statuses = (format: ReportFormat, text: string) => {
  const tests = read(format, text);
  return typeof tests === 'string' ? tests : tests.map((t) => `${t.group}|${t.name}|${t.status}`);
};

const PYTEST = `<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="1" skipped="2" tests="6" time="0.067"><testcase classname="" name="p.test_y" time="0.000"><error message="collection failure">ImportError: no module &lt;y&gt;</error></testcase><testcase classname="p.test_x" name="test_a" time="0.000"><failure message="assert 1 == 2&#10;second">long</failure></testcase><testcase classname="p.test_x" name="test_p[a.b]" time="0.000" /><testcase classname="p.test_x" name="test_s" time="0.000"><skipped type="pytest.skip" message="r">why</skipped></testcase><testcase classname="p.test_x" name="test_xf" time="0.000"><skipped type="pytest.xfail" message="" /></testcase><testcase classname="p.test_x.TestC" name="test_m" time="0.000" /></testsuite></testsuites>`;

describe('JUnit XML', () => {
  test('as pytest writes it', () => {
    expect(statuses('pytest', PYTEST)).toEqual([
      '|p.test_y|failed',
      'p.test_x|test_a|failed',
      'p.test_x|test_p[a.b]|passed',
      'p.test_x|test_s|skipped',
      'p.test_x|test_xf|skipped',
      'p.test_x.TestC|test_m|passed',
    ]);
  });

  test('is summed up without the skipped, and failures are named', () => {
    const tests = read('pytest', PYTEST);
    expect(sumsOf(tests as never)).toEqual({
      passed: 2,
      failed: 2,
      skipped: 2,
      share: 0.5,
      failures: [
        { name: 'p.test_y', message: 'collection failure' },
        { name: 'p.test_x > test_a', message: 'assert 1 == 2\nsecond' },
      ],
    });
  });

  test('its tests are found by node id, by class and title, and by title', () => {
    const index = new TestIndex(read('pytest', PYTEST) as never);
    const found = (name: string) => index.find(name).map((t) => t.name);
    expect(found('p/test_x.py::TestC::test_m')).toEqual(['test_m']);
    expect(found('p/test_x.py::test_p[a.b]')).toEqual(['test_p[a.b]']);
    expect(found('p.test_x.test_a')).toEqual(['test_a']);
    expect(found('test_a')).toEqual(['test_a']);
    expect(found('test_none')).toEqual([]);
  });

  test('as node writes it: a test outside of suites, and a file that ended early', () => {
    const xml = `<?xml version="1.0" encoding="utf-8"?>
<testsuites>
  <testsuite name="group" tests="1"><testcase name="adds" classname="group" file="/box/a.test.mjs"/></testsuite>
  <testcase name="top" classname="test" file="/box/a.test.mjs"><skipped type="todo" message="true"/></testcase>
  <testcase name="b.test.mjs" classname="test" file="/box/b.test.mjs"/>
  <testcase name="c.test.mjs" classname="test" file="/box/c.test.mjs" failure="test failed"><failure message="test failed"/></testcase>
</testsuites>`;
    const tests = read('node', xml);
    expect(tests).toMatchObject([
      { name: 'adds', file: 'a.test.mjs', status: 'passed' },
      { name: 'top', status: 'skipped' },
      { name: 'b.test.mjs', status: 'passed', fileLevel: true },
      { name: 'c.test.mjs', status: 'failed', fileLevel: true },
    ]);
    expect(sumsOf(tests as never)).toMatchObject({ passed: 1, failed: 1, skipped: 1, share: 0.5 });
  });

  test.each([
    ['entities', '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><testsuites/>', 'DOCTYPE'],
    ['unknown entities', '<testsuites><testcase name="&a;"/></testsuites>', 'not well-formed'],
    ['two documents', '<testsuites/><testsuites/>', 'not well-formed'],
    ['a cut document', '<testsuites><testcase name="a"/>', 'not well-formed'],
    ['another document', '<html/>', 'first element is <html>'],
    ['nothing', '', 'not well-formed'],
    ['depth', `<testsuites>${'<a>'.repeat(100_000)}`, '32 deep'],
  ])('%s: refused', (_name, xml, reason) => expect(read('junit', xml)).toContain(reason));
});

describe('TAP', () => {
  const tap = `TAP version 13
# Subtest: group
    # Subtest: adds
    ok 1 - adds
    # Subtest: fails: x \\# 1
    not ok 2 - fails: x \\# 1
      ---
      location: '/box/a.test.mjs:3:60'
      error: '1 == 2'
      ...
    ok 3 - later # TODO
    1..3
not ok 1 - group
  ---
  failureType: 'subtestsFailed'
  ...
ok 2 - top # SKIP no reason
1..2
`;
  test('counts the points without subtests, and takes their files and messages', () => {
    expect(read('tap', tap)).toEqual([
      { name: 'adds', group: 'group', file: null, status: 'passed', message: null },
      { name: 'fails: x # 1', group: 'group', file: 'a.test.mjs', status: 'failed', message: '1 == 2' },
      { name: 'later', group: 'group', file: null, status: 'skipped', message: null },
      { name: 'top', group: '', file: null, status: 'skipped', message: null },
    ]);
  });

  test('of a message in several lines the first is taken', () => {
    const text =
      '1..1\nnot ok 1 - a\n  ---\n  error: |-\n    Expected: "1"\n    \n    more\n  stack: |-\n    at x\n  ...\n';
    expect(read('tap', text)).toMatchObject([{ status: 'failed', message: 'Expected: "1"' }]);
  });

  test('a group that fails although its tests pass is a failure', () => {
    const text = 'TAP version 13\n# Subtest: g\n    ok 1 - a\n    1..1\nnot ok 1 - g\n1..1\n';
    expect(statuses('tap', text)).toEqual(['g|a|passed', '|g|failed']);
  });

  test.each([
    ['no plan', 'TAP version 13\nok 1 - a\n', 'no plan'],
    ['a plan that does not fit', '1..2\nok 1 - a\n', 'plan says 2'],
    ['two plans', '1..1\nok 1 - a\n1..1\n', 'plan'],
    ['the same number twice', '1..2\nok 1 - a\nok 1 - b\n', 'twice'],
    ['a bail-out', 'ok 1 - a\nBail out! no database\n', 'bailed out: no database'],
    ['nothing', '', 'no plan'],
    ['depth', `${' '.repeat(4 * 100)}ok 1 - a\n1..0\n`, 'deep'],
  ])('%s: refused', (_name, text, reason) => expect(read('tap', text)).toContain(reason));

  test('numbers that occur twice are accepted from node, which writes them for several files', () => {
    expect(statuses('node', 'TAP version 13\nok 1 - a\nok 1 - b.test.js\n1..2\n')).toEqual([
      '|a|passed',
      '|b.test.js|passed',
    ]);
  });
});

describe('jest --json', () => {
  const result = (file: object) => JSON.stringify({ success: false, testResults: [file] });
  test('tests with their files; pending and todo are skipped', () => {
    const text = result({
      name: '/box/src/a.test.js',
      status: 'failed',
      message: '',
      assertionResults: [
        { ancestorTitles: ['sum', 'of two'], title: 'adds', status: 'passed', failureMessages: [] },
        {
          ancestorTitles: [],
          title: 'fails',
          status: 'failed',
          failureMessages: ['\u001b[2mError: x\u001b[22m'],
        },
        { ancestorTitles: [], title: 'later', status: 'todo' },
        { ancestorTitles: [], title: 'off', status: 'pending' },
      ],
    });
    expect(read('jest', text)).toEqual([
      { name: 'adds', group: 'sum > of two', file: 'src/a.test.js', status: 'passed', message: null },
      { name: 'fails', group: '', file: 'src/a.test.js', status: 'failed', message: 'Error: x' },
      { name: 'later', group: '', file: 'src/a.test.js', status: 'skipped', message: null },
      { name: 'off', group: '', file: 'src/a.test.js', status: 'skipped', message: null },
    ]);
    const index = new TestIndex(read('jest', text) as never);
    expect(index.find('sum > of two adds')).toHaveLength(1);
    expect(index.find('src/a.test.js > sum > of two > adds')).toHaveLength(1);
  });

  test('a file that could not be loaded is a failure', () => {
    const text = result({
      name: '/box/a.test.js',
      status: 'failed',
      message: 'SyntaxError',
      assertionResults: [],
    });
    expect(read('jest', text)).toMatchObject([
      { name: 'a.test.js', status: 'failed', message: 'SyntaxError' },
    ]);
  });

  test.each(['', '[]', '{}', '{"testResults":[{"assertionResults":[{}]}]}', 'passed'])(
    '%j: refused',
    (text) => expect(readTestReport('jest', [text]).kind).toBe('refused'),
  );
});

describe('go test -json', () => {
  const lines = (...events: object[]) => events.map((e) => JSON.stringify(e)).join('\n');
  test('tests, subtests, and what a failure printed', () => {
    const text = lines(
      { Action: 'run', Package: 'm/a', Test: 'TestOne' },
      { Action: 'run', Package: 'm/a', Test: 'TestOne/x' },
      { Action: 'output', Package: 'm/a', Test: 'TestOne/x', Output: '    a_test.go:5: want 2\n' },
      { Action: 'fail', Package: 'm/a', Test: 'TestOne/x' },
      { Action: 'fail', Package: 'm/a', Test: 'TestOne' },
      { Action: 'run', Package: 'm/a', Test: 'TestTwo' },
      { Action: 'pass', Package: 'm/a', Test: 'TestTwo' },
      { Action: 'skip', Package: 'm/a', Test: 'TestThree' },
      { Action: 'fail', Package: 'm/a' },
      { Action: 'pass', Package: 'm/b' },
    );
    expect(statuses('go', text)).toEqual([
      'm/a|TestOne/x|failed',
      'm/a|TestTwo|passed',
      'm/a|TestThree|skipped',
    ]);
    expect(read('go', text)).toMatchObject([{ message: 'a_test.go:5: want 2' }, {}, {}]);
  });

  test('a test that never ended and a package that was not built are failures', () => {
    expect(statuses('go', lines({ Action: 'run', Package: 'm', Test: 'TestExit' }))).toEqual([
      'm|TestExit|failed',
    ]);
    expect(
      statuses(
        'go',
        lines({ Action: 'output', Package: 'm', Output: 'x.go:1: bad' }, { Action: 'fail', Package: 'm' }),
      ),
    ).toEqual(['m|m|failed']);
  });

  test.each(['PASS\nok m 0.1s', '{"Action":1}'])('%j: refused', (text) =>
    expect(readTestReport('go', [text]).kind).toBe('refused'),
  );
});

describe('hostile reports', () => {
  test.each<[string, ReportFormat, string]>([
    ['deep YAML', 'tap', `1..1\nnot ok 1 - a\n  ---\n  x: ${'['.repeat(100_000)}\n  ...\n`],
    [
      'YAML that multiplies',
      'tap',
      `1..1\nnot ok 1 - a\n  ---\n  a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
        .split('')
        .map((c, i) => `  ${c}: &${c} [${Array(9).fill(`*${'abcdefghi'[i]}`).join()}]`)
        .join('\n')}\n  ...\n`,
    ],
    [
      'long names in go',
      'go',
      JSON.stringify({ Action: 'pass', Package: 'p', Test: 'a/'.repeat(1_000_000) }),
    ],
    ['deep JSON', 'jest', `{"testResults":${'['.repeat(100_000)}`],
  ])('%s: an answer, and soon', (_name, format, text) => {
    expect(['read', 'refused']).toContain(readTestReport(format, [text]).kind);
  });

  test('a long title repeated in many tests is refused', () => {
    const text = `# Subtest: g\n${'    ok\n'.repeat(20_000)}    1..20000\nok 1 - ${'g'.repeat(10_000)}\n1..1\n`;
    expect(read('tap', text)).toContain('too long');
  });

  test('any text in any format is read or refused', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom(
        'TAP version 13',
        '1..1',
        'ok 1',
        'not ok 2 - x # SKIP',
        '    ok 1',
        '  ---',
        '  a: !!js/function "x"',
        '  ...',
        '<testsuite>',
        '<testcase name="a">',
        '</testcase>',
        '<![CDATA[',
        '{"Action":"run","Test":"a"}',
        '{"testResults":[]}',
        'Bail out!',
      ),
    );
    fc.assert(
      fc.property(fc.constantFrom(...REPORT_FORMATS), fc.array(piece), (format, lines) => {
        const report = readTestReport(format, [lines.join('\n')]);
        return report.kind === 'refused' ? report.reason !== '' : Array.isArray(report.tests);
      }),
    );
  });
});
