import { messageOf, relativeFile, type TestCase } from '@acrouter/domain/verification/test-report';
import { z } from 'zod';
import { MAX_TESTS, refuse } from './refused';

/** `jest --json`, also written by vitest's json reporter. Source: jestjs.io/docs/configuration#testresultsprocessor-string */
const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string().default(''),
      status: z.string().default(''),
      message: z.string().nullish(),
      assertionResults: z
        .array(
          z.object({
            title: z.string(),
            ancestorTitles: z.array(z.string()).default([]),
            status: z.string(),
            failureMessages: z.array(z.string()).nullish(),
          }),
        )
        .default([]),
    }),
  ),
});

/** Colours of the terminal, which jest writes into its messages. */
const COLOURS = /\u001b\[[0-9;]*m/g;

/**
 * Reads what `jest --json --outputFile` writes. A file that could not be loaded is one failed test.
 * @throws ReportRefused
 */
export function readJestJson(text: string): TestCase[] {
  const parsed = reportSchema.safeParse(jsonOf(text));
  if (!parsed.success)
    return refuse(`it is not the JSON that jest writes (${parsed.error.issues[0]?.message})`);
  const tests = parsed.data.testResults.flatMap((file): TestCase[] => {
    const path = relativeFile(file.name);
    const loaded = file.assertionResults.length > 0 || file.status === 'passed';
    if (!loaded) {
      const message = messageOf(file.message?.replace(COLOURS, ''));
      return [{ name: path, group: '', file: path, status: 'failed', message, fileLevel: true }];
    }
    return file.assertionResults.map((test) => ({
      name: test.title,
      group: test.ancestorTitles.join(' > '),
      file: path,
      status: statusOf(test.status),
      message: messageOf(test.failureMessages?.[0]?.replace(COLOURS, '')),
    }));
  });
  if (tests.length > MAX_TESTS) refuse(`it has more than ${MAX_TESTS} tests`);
  return tests;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return refuse(`it is not JSON: ${(error as Error).message.slice(0, 200)}`);
  }
}

function statusOf(status: string): TestCase['status'] {
  if (status === 'passed') return 'passed';
  return status === 'failed' ? 'failed' : 'skipped';
}
