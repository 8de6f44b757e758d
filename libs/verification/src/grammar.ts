import type { CheckedLanguage } from '@acrouter/domain/verification/languages';
import { silent, type Finding } from '@acrouter/domain/verification/signals';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

/** Longest text that is parsed, characters. */
const LONGEST = 200_000;
/** Longest wait for all readings of an answer, start-up included, ms. */
const PATIENCE_MS = 5_000;
const WORKER = join(__dirname, 'harness', 'grammar-worker.cjs');

/** What the thread says: whether a reading parsed, and the first error of each that did not. */
interface Parsed {
  parsed: boolean;
  errors: string[];
}

/**
 * Signal of a Tree-sitter grammar, for languages whose own parser or compiler is not on this machine: passed when one
 * of the readings parses without an error. Nothing is run. Unavailable, never failed, for what cannot be parsed in
 * time.
 * @param readings sensible readings of the answer as a program, best first.
 * @param patienceMs for all of them, start-up included. Default 5,000.
 */
export async function grammarFinding(
  language: CheckedLanguage,
  readings: readonly string[],
  patienceMs = PATIENCE_MS,
): Promise<Finding> {
  const texts = readings.filter((text) => text.trim() !== '' && text.length <= LONGEST);
  if (texts.length === 0)
    return silent('syntax', 'unavailable', 'no program of reasonable length in the answer');
  try {
    const { parsed, errors } = await parse(language, texts, patienceMs);
    if (parsed) return { kind: 'syntax', status: 'passed', score: 1, evidence: { by: 'grammar' } };
    return { kind: 'syntax', status: 'failed', score: 0, evidence: { by: 'grammar', message: errors[0] } };
  } catch (error) {
    const reason = `the grammar of ${language} gave no result: ${(error as Error).message}`;
    return silent('syntax', 'unavailable', reason.slice(0, 300));
  }
}

/** Parses in a thread of its own, which is ended whatever comes of it. Grammars are named as the languages are. */
async function parse(
  grammar: CheckedLanguage,
  texts: readonly string[],
  patienceMs: number,
): Promise<Parsed> {
  const worker = new Worker(WORKER, { workerData: { grammar, texts }, env: {}, stdout: true, stderr: true });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Parsed>((done, fail) => {
      timer = setTimeout(() => fail(new Error(`not parsed within ${patienceMs} ms`)), patienceMs);
      worker.once('message', done);
      worker.once('error', fail);
      worker.once('exit', () => fail(new Error('the parser ended')));
    });
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}
