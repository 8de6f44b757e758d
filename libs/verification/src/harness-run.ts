import { AcrError } from '@acrouter/domain/errors';
import type { Sandbox, SandboxResult } from '@acrouter/sandbox/sandbox';
import type { Program } from '@acrouter/domain/verification/extract';
import type { PromptExample } from '@acrouter/domain/verification/prompt-tests';
import { pythonStart, scriptBundle } from './harness-bundle';
import { readReport, type HarnessReport } from './harness-report';

/** What a harness is asked to check in one run of the sandbox. */
export interface HarnessOrder {
  language: 'python' | 'javascript' | 'typescript';
  programs: readonly Program[];
  entryPoint: string | null;
  /** Code of the prompt that tests may rely on: imports and helpers, from the prompt and never from the answer. */
  preamble: string;
  tests: string | null;
  examples: readonly PromptExample[];
  timeoutMs: number;
}

/** The sandbox's result and the harness's report, if it came to one. */
export interface HarnessRun {
  result: SandboxResult;
  /** Whether the harness got its order; before that nothing of the answer has run, so a failure is ours. */
  began: boolean;
  report: HarnessReport | null;
}

/** Time on top of the checks' own for start-up and report, ms. */
const OVERHEAD_MS = 2_000;
/** Longest order, characters: an answer of a few MB, read in a dozen ways. More could stop a harness that has not begun. */
const MAX_ORDER = 32 * 1024 * 1024;
/** Examples of the prompt are small; they may not eat the time of the tests. */
const EXAMPLES_MS = 5_000;

/**
 * Starts judge and candidate side by side, joined by two pipes that the judge unlinks (in a folder of
 * their own: a toolchain that lives below /tmp is shown there too). Only the judge keeps the
 * stdin that tests and token come by, and the stdout that counts; SIGUSR1 would open its debugger.
 */
const SCRIPT_LAUNCH = `umask 077; mkdir /tmp/.acr-pipes && mkfifo /tmp/.acr-pipes/q /tmp/.acr-pipes/p || exit 70
"$1" --disable-sigusr1 -e "$2" candidate </dev/null >/dev/null 2>&1 &
exec "$1" --disable-sigusr1 -e "$2" judge "$3"`;

/** Program of a run, and what of its stdin comes before the order. */
async function startOf(
  sandbox: Sandbox,
  language: HarnessOrder['language'],
  kinds: string,
): Promise<{ argv: string[]; stdin: Buffer }> {
  if (language === 'python') return pythonStart(sandbox, kinds);
  return {
    argv: ['/bin/sh', '-c', SCRIPT_LAUNCH, 'sh', '{tool}', scriptBundle(), kinds],
    stdin: Buffer.alloc(0),
  };
}

/**
 * Runs the checks of an order in one sandbox. Tests and token go in by stdin after the answer's process has been
 * split off, so neither ever is in a place that the answer can read.
 * @throws AcrError ACR_SANDBOX_FAULT when the harness did not get to its order.
 */
export async function runHarness(
  sandbox: Sandbox,
  order: HarnessOrder,
  token: string,
  signal?: AbortSignal,
): Promise<HarnessRun> {
  const kinds = [
    ...(order.tests === null ? [] : ['tests']),
    ...(order.examples.length === 0 ? [] : ['examples']),
  ];
  if (kinds.length === 0) kinds.push('syntax');
  const examplesMs = Math.min(EXAMPLES_MS, order.timeoutMs);
  const seconds = {
    tests: order.timeoutMs / 1_000,
    examples: ((order.tests === null ? 0 : order.timeoutMs) + examplesMs) / 1_000,
    syntax: order.timeoutMs / 1_000,
  };
  const stdin = JSON.stringify({
    token,
    programs: order.programs.map((p) => p.text),
    typescript: order.language === 'typescript',
    entry: order.entryPoint,
    preamble: order.preamble,
    tests: order.tests,
    examples: order.examples,
    seconds,
  });
  const wallMs = Math.max(seconds.tests, seconds.examples) * 1_000 + OVERHEAD_MS;
  if (stdin.length > MAX_ORDER) throw new AcrError('ACR_INVALID_REQUEST', 'The answer is too large to check');
  const start = await startOf(sandbox, order.language, kinds.join(','));
  // JSON cannot carry lone surrogates through UTF-8; escapes can.
  const escaped = stdin.replace(/[\ud800-\udfff]/g, (c) => `\\u${c.charCodeAt(0).toString(16)}`);
  const result = await sandbox.run(
    {
      language: order.language,
      argv: start.argv,
      stdin: Buffer.concat([start.stdin, Buffer.from(escaped)]),
      hideProc: true,
      limits: { wallMs, cpuSeconds: Math.ceil(wallMs / 1_000) + 1 },
    },
    signal,
  );
  const began = result.stdout.includes(`\n${token}begin\n`);
  if (!began && result.outcome.kind !== 'cancelled') throw notBegun(result);
  return { result, began, report: readReport(result.stdout, token) };
}

/** Nothing of the answer had run yet, so whatever went wrong is the machine's. */
function notBegun({ outcome, stderr }: SandboxResult): AcrError {
  const detail = `The check did not begin (${outcome.kind}): ${stderr.trim().slice(0, 300)}`;
  return new AcrError('ACR_SANDBOX_FAULT', detail, { fields: { outcome } });
}
