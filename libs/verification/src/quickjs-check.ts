import type { Sandbox, SandboxResult } from '@acrouter/sandbox/sandbox';
import type { Program } from '@acrouter/domain/verification/extract';
import { silent, type Finding } from '@acrouter/domain/verification/signals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_CHECK_MS, type Check, type VerifyDependencies } from './check';

const PRELUDE = 'quickjs-prelude.js';
const ANSWER = 'answer.js';
const TESTS = 'tests.js';

/** Built-ins that tests are likely to use, bound for them before anything an answer may have put in their place. */
const BUILTINS =
  'Array, Boolean, Date, Error, JSON, Map, Math, Number, Object, Promise, RangeError, Reflect, RegExp, Set, String, Symbol, SyntaxError, TypeError, isNaN, isFinite, parseFloat, parseInt';

let prelude: string | undefined;

/**
 * Checks a JavaScript answer where QuickJS is the only sandbox: built-ins are made unchangeable, the answer is
 * evaluated, then the tests in a block of their own. There is no process to end and nothing to write to, so the
 * only way to pass is that no test throws. Tests share the answer's context, which is weaker than the two
 * processes of the other sandboxes; modules and examples of the prompt are not run.
 */
export async function checkInQuickjs(check: Check, sandbox: Sandbox, deps: VerifyDependencies) {
  const tests = check.task.verification?.tests ?? null;
  const wallMs = check.task.verification?.timeoutMs ?? DEFAULT_CHECK_MS;
  const evaluate = (files: Record<string, string>) =>
    sandbox.run(
      { language: 'javascript', argv: ['{tool}', ...Object.keys(files)], files, limits: { wallMs } },
      deps.signal,
    );
  prelude ??= readFileSync(join(__dirname, 'harness', PRELUDE), 'utf8');
  let chosen: Program | null = null;
  let last: SandboxResult | null = null;
  for (const program of check.programs) {
    last = await evaluate({ [PRELUDE]: prelude, [ANSWER]: program.code });
    if (!passed(last)) continue;
    chosen = program;
    break;
  }
  const syntax = findingOf('syntax', last);
  if (tests === null || chosen === null)
    return {
      findings: tests === null ? [syntax] : [{ ...syntax, kind: 'tests' as const }, syntax],
      chosen,
      ran: true,
      refused: null,
    };
  const run = await evaluate({
    [PRELUDE]: prelude,
    [ANSWER]: chosen.code,
    [TESTS]: `{ const { ${BUILTINS} } = acrBuiltins; {\n${tests}\n} }`,
  });
  return { findings: [findingOf('tests', run), syntax], chosen, ran: true, refused: null };
}

const passed = (run: SandboxResult) => run.outcome.kind === 'ended' && run.outcome.exitCode === 0;

function findingOf(kind: 'tests' | 'syntax', run: SandboxResult | null): Finding {
  const given = kind === 'tests';
  if (run === null)
    return { kind, status: 'failed', score: 0, evidence: { given, message: 'no program in the answer' } };
  const { outcome, stderr, limitsHit } = run;
  const evidence = { given, message: stderr.slice(0, 500), limitsHit };
  switch (outcome.kind) {
    case 'ended':
      return {
        kind,
        status: outcome.exitCode === 0 ? 'passed' : 'failed',
        score: outcome.exitCode === 0 ? 1 : 0,
        evidence,
      };
    case 'timed-out':
      return { kind, status: 'timed-out', score: 0, evidence };
    case 'out-of-memory':
      return { kind, status: 'out-of-memory', score: 0, evidence };
    case 'killed':
    case 'output-flood':
      return { kind, status: 'killed', score: 0, evidence };
    case 'cancelled':
    case 'not-started':
      return silent(kind, 'refused', outcome.kind === 'cancelled' ? 'cancelled' : outcome.reason);
  }
}
