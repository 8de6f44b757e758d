import { AcrError } from '@acrouter/domain/errors';
import { hash32, seededRandom } from '@acrouter/domain/seeded-random';
import { agreementOf, type Agreement } from '@acrouter/domain/verification/agreement';
import { preambleOf, readPrograms } from '@acrouter/domain/verification/extract';
import type { CheckedLanguage } from '@acrouter/domain/verification/languages';
import { probesFor, type ProbedLanguage } from '@acrouter/domain/verification/probe-inputs';
import { entryPointOf } from '@acrouter/domain/verification/prompt-tests';
import { silent, type Finding } from '@acrouter/domain/verification/signals';
import type { Sandbox } from '@acrouter/sandbox/sandbox';
import type { VerifyDependencies } from './check';
import { runHarness } from './harness-run';
import { digestsIn, probeTests } from './probe';
import type { CheckableTask } from './verdict';

/** Another answer to the same task. */
export interface Peer {
  /** For the evidence: `attempt 2`, `sample 1`. */
  name: string;
  answer: string;
}

/** Wall-clock limit of one answer's calls, ms. */
const PROBE_MS = 5_000;
/** Inputs that the evidence shows. */
const SHOWN_INPUTS = 8;

const unavailable = (reason: string) => silent('consistency', 'unavailable', reason);

/** Whether answers in this language can be compared by what they return. */
export const isProbed = (language: CheckedLanguage | null): language is ProbedLanguage =>
  language === 'python' || language === 'javascript' || language === 'typescript';

/**
 * Runs an answer and others to the same task on the same inputs, each in a sandbox run of its own, and finds how far
 * they agree. Unavailable where the task names no function, nothing tells its inputs, or too few answers run.
 * @throws AcrError ACR_SANDBOX_FAULT (retryable) when this machine could not start a run.
 */
export async function consistencyFinding(
  task: CheckableTask,
  language: CheckedLanguage | null,
  answer: string,
  peers: readonly Peer[],
  deps: VerifyDependencies,
): Promise<Finding> {
  const { sandbox } = deps;
  if (!sandbox || sandbox.kind === 'quickjs') return unavailable('no sandbox that runs answers apart');
  if (!isProbed(language) || !sandbox.languages.has(language))
    return unavailable(`answers in ${language ?? 'no language'} are not compared`);
  const entryPoint = task.verification?.entryPoint ?? entryPointOf(task.prompt, language);
  if (!entryPoint) return unavailable('the task does not name the function it asks for');
  const answers = [answer, ...peers.map((p) => p.answer)];
  const texts = [task.prompt, task.verification?.tests ?? ''];
  const random = seededRandom(hash32(task.prompt));
  const calls = probesFor(language, entryPoint, texts, [task.prompt, ...answers], random);
  if (calls.length === 0)
    return unavailable('no inputs: no calls in the prompt and no simple declared types');
  const digests: (string[] | null)[] = [];
  for (const text of answers)
    digests.push(
      await digestsOf({ language, entryPoint, prompt: task.prompt, answer: text, calls }, sandbox, deps),
    );
  return findingOf(calls, peers, digests);
}

interface Probed {
  language: ProbedLanguage;
  entryPoint: string;
  prompt: string;
  answer: string;
  calls: readonly string[];
}

/** One digest per call; `null` for an answer that does not run to the end of them. */
async function digestsOf(p: Probed, sandbox: Sandbox, deps: VerifyDependencies): Promise<string[] | null> {
  const { language, entryPoint, prompt } = p;
  const word = deps.token().replace(/[^\w]/g, '');
  const order = {
    language,
    programs: readPrograms(p.answer, { language, prompt, entryPoint }),
    entryPoint,
    preamble: preambleOf({ language, prompt, entryPoint }),
    tests: probeTests(language, p.calls, word),
    examples: [],
    timeoutMs: PROBE_MS,
  };
  try {
    const run = await runHarness(sandbox, order, deps.token(), deps.signal);
    return digestsIn(run.report?.checks.tests?.message ?? '', word, p.calls.length);
  } catch (error) {
    if (error instanceof AcrError) throw error;
    return null;
  }
}

function findingOf(calls: readonly string[], peers: readonly Peer[], digests: (string[] | null)[]): Finding {
  const [own, ...rest] = digests;
  if (!own) return unavailable('the answer did not run on the inputs');
  const ran = peers.flatMap((peer, i) => (rest[i] ? [{ name: peer.name, digests: rest[i] }] : []));
  const agreement: Agreement | null = agreementOf(
    own,
    ran.map((p) => p.digests),
  );
  if (!agreement)
    return unavailable(ran.length === 0 ? 'no other answer ran' : 'no result could be compared');
  const { share, withEach, inputs } = agreement;
  return {
    kind: 'consistency',
    status: share >= 0.5 ? 'passed' : 'failed',
    score: share,
    evidence: {
      answers: ran.length + 1,
      inputs: inputs.length,
      examples: inputs.slice(0, SHOWN_INPUTS).map((i) => (calls[i] ?? '').slice(0, 200)),
      agrees: Object.fromEntries(ran.map((p, i) => [p.name, withEach[i]])),
    },
  };
}
