import { messageOf, relativeFile, type TestCase } from '@acrouter/domain/verification/test-report';
import { SaxesParser } from 'saxes';
import { refuse, MAX_TESTS } from './refused';

/** Real reports have three or four levels. */
const MAX_DEPTH = 32;

/** A test of which not everything has been read yet. */
interface OpenTest {
  test: TestCase;
  /** Text inside its failure, kept where the element has no message of its own. */
  text: string;
}

/**
 * Reads JUnit XML, as pytest, jest-junit, node, Maven and many others write it: a tree of testsuite and testcase
 * elements. The document must be well-formed and one; a DOCTYPE is refused, so there are no entities to expand.
 * @throws ReportRefused
 */
export function readJunit(xml: string): TestCase[] {
  const tests: TestCase[] = [];
  const path: string[] = [];
  let open: OpenTest | null = null;
  const parser = new SaxesParser();
  parser.on('error', (error) => refuse(`it is not well-formed XML: ${error.message.slice(0, 200)}`));
  parser.on('doctype', () => refuse('it has a DOCTYPE'));
  parser.on('opentag', ({ name, attributes }) => {
    path.push(name);
    if (path.length > MAX_DEPTH) refuse(`its elements lie more than ${MAX_DEPTH} deep`);
    if (path.length === 1 && name !== 'testsuites' && name !== 'testsuite')
      refuse(`its first element is <${name.slice(0, 40)}>, not <testsuites> or <testsuite>`);
    if (name === 'testcase') {
      if (tests.length >= MAX_TESTS) refuse(`it has more than ${MAX_TESTS} tests`);
      open = { test: caseOf(attributes), text: '' };
      tests.push(open.test);
    } else if (open) addResult(open, name, attributes);
  });
  const addText = (text: string) => {
    if (open && (path.at(-1) === 'failure' || path.at(-1) === 'error') && open.text.length < 2_000)
      open.text += text;
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', ({ name }) => {
    path.pop();
    if (name !== 'testcase' || !open) return;
    open.test.message ??= open.test.status === 'failed' ? messageOf(open.text) : null;
    open = null;
  });
  parser.write(xml).close();
  return tests;
}

function caseOf(attributes: Record<string, string>): TestCase {
  const { name = '', classname = '', file, failure } = attributes;
  return {
    name,
    group: classname,
    file: file ? relativeFile(file) : null,
    status: failure === undefined ? 'passed' : 'failed',
    message: messageOf(failure),
  };
}

function addResult({ test }: OpenTest, element: string, attributes: Record<string, string>): void {
  if (element === 'failure' || element === 'error') {
    test.status = 'failed';
    test.message ??= messageOf(attributes['message']);
  } else if (element === 'skipped' && test.status === 'passed') test.status = 'skipped';
}
