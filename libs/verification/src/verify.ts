import { AcrError } from '@acrouter/domain/errors';
import type { Sandbox, SandboxLanguage } from '@acrouter/sandbox/sandbox';
import { inferLanguage } from '@acrouter/domain/inference';
import { preambleOf, readPrograms } from '@acrouter/domain/verification/extract';
import { guessLanguage, languageNamed, type CheckedLanguage } from '@acrouter/domain/verification/languages';
import { entryPointOf, findPromptExamples } from '@acrouter/domain/verification/prompt-tests';
import { ruleFinding } from '@acrouter/domain/verification/rules';
import { DEFAULT_WEIGHTS, scoreOf } from '@acrouter/domain/verification/score';
import { silent, type Finding } from '@acrouter/domain/verification/signals';
import { DEFAULT_CHECK_MS, type Check, type Checked, type VerifyDependencies } from './check';
import { checkByCommand } from './command-check';
import { executedFinding, syntaxFinding } from './findings';
import type { HarnessReport } from './harness-report';
import { runHarness } from './harness-run';
import { checkRepository } from './repository/repository-check';
import { checkNatively } from './native-check';
import { checkInQuickjs } from './quickjs-check';
import { withRepeat } from './repeat';
import { readAsCode } from './syntax';
import type { CheckableTask, Verdict } from './verdict';

function begin(task: CheckableTask, answer: string): Check {
  // As memory infers it, so that what a task is counted as is also what it is checked as.
  const language = task.language
    ? languageNamed(task.language)
    : (languageNamed(inferLanguage(task.prompt)) ?? guessLanguage(answer));
  const given = task.verification?.entryPoint;
  if (language === null) return { task, answer, language, entryPoint: given ?? null, programs: [] };
  const inPrompt = entryPointOf(task.prompt, language);
  const entryPoint = given ?? inPrompt;
  const programs = readPrograms(answer, {
    language,
    prompt: task.prompt,
    entryPoint: entryPoint ?? undefined,
  });
  return { task, answer, language, entryPoint, programs };
}

const refusedChecks = (check: Check, reason: string, status: 'refused' | 'unavailable'): Checked => {
  const given = Boolean(check.task.verification?.tests ?? check.task.verification?.command);
  const finding = silent(given ? 'tests' : 'syntax', status, reason);
  finding.evidence['given'] = given;
  return { findings: [finding], chosen: null, ran: false, refused: given ? reason : null };
};

const hasHarness = (language: CheckedLanguage) =>
  language === 'python' || language === 'javascript' || language === 'typescript';

async function byHarness(check: Check, sandbox: Sandbox, deps: VerifyDependencies): Promise<Checked> {
  const language = check.language as 'python' | 'javascript' | 'typescript';
  const { task, entryPoint, programs } = check;
  const tests = task.verification?.tests ?? null;
  const examples = findPromptExamples(task.prompt, language, entryPoint ?? undefined);
  const run = await runHarness(
    sandbox,
    {
      language,
      programs,
      // A name guessed from the prompt may only choose among readings when tests need it.
      entryPoint:
        task.verification?.entryPoint ?? (examples.length > 0 && tests === null ? entryPoint : null),
      preamble: preambleOf({ language, prompt: task.prompt, entryPoint: entryPoint ?? undefined }),
      tests,
      examples,
      timeoutMs: task.verification?.timeoutMs ?? DEFAULT_CHECK_MS,
    },
    deps.token(),
    deps.signal,
  );
  const checks: HarnessReport['checks'] = run.report?.checks ?? {};
  const findings: Finding[] = [
    ...(tests === null ? [] : [executedFinding('tests', run, checks.tests)]),
    ...(examples.length === 0 ? [] : [executedFinding('prompt-tests', run, checks.examples)]),
    syntaxFinding(run),
  ];
  const refusal = findings.find((f) => f.status === 'refused');
  const chosen = run.report?.chosen ?? null;
  return {
    findings,
    chosen: chosen === null ? null : (programs[chosen] ?? null),
    ran: true,
    refused: refusal ? String(refusal.evidence['reason']) : null,
  };
}

async function runChecks(check: Check, deps: VerifyDependencies): Promise<Checked> {
  const { sandbox } = deps;
  if (!sandbox) return refusedChecks(check, deps.sandboxReason ?? 'no sandbox on this machine', 'refused');
  if (check.task.verification?.repository) return checkRepository(check, sandbox, deps);
  if (check.task.verification?.command) return checkByCommand(check, sandbox, deps);
  if (check.language === null) return refusedChecks(check, 'no language that can be checked', 'unavailable');
  if (!sandbox.languages.has(check.language as SandboxLanguage)) {
    return refusedChecks(check, `no toolchain for ${check.language} in this sandbox`, 'unavailable');
  }
  if (sandbox.kind === 'quickjs') return checkInQuickjs(check, sandbox, deps);
  if (hasHarness(check.language)) return byHarness(check, sandbox, deps);
  return checkNatively(check, check.language, sandbox, deps);
}

/**
 * Judges one answer: reads it as a program, runs what the task gives and what its prompt shows in the sandbox,
 * and weighs the evidence. Never throws for any answer text; a check that cannot be made becomes a `refused`
 * verdict, which leaves the task unverified.
 * @throws AcrError ACR_SANDBOX_FAULT (retryable) when this machine could not start the check: no verdict at all.
 */
export async function verifyAnswer(
  task: CheckableTask,
  answer: string,
  deps: VerifyDependencies,
): Promise<Verdict> {
  const startedAt = performance.now();
  const check = begin(task, answer);
  const checked = await withRepeat(() => runChecks(check, deps), deps).catch((error: unknown) => {
    if (error instanceof AcrError && error.code === 'ACR_SANDBOX_FAULT') throw error;
    return refusedChecks(check, error instanceof Error ? error.message : String(error), 'refused');
  });
  const dimension = task.dimension ?? 'code_generation';
  const weights = deps.weights?.[dimension] ?? DEFAULT_WEIGHTS[dimension];
  const rules = ruleFinding(answer, check.entryPoint, task.prompt);
  const scored = scoreOf([...(await readAsCode(check, checked)), rules], { weights });
  return {
    ...scored,
    code: checked.chosen?.code ?? null,
    way: checked.chosen?.way ?? null,
    language: check.language,
    durationMs: Math.round(performance.now() - startedAt),
    sandbox: checked.ran && deps.sandbox ? deps.sandbox.kind : null,
    refused: checked.refused,
  };
}
