import type { Sandbox, SandboxLanguage, SandboxResult } from '@acrouter/sandbox/sandbox';
import { ANSWER_FILES } from '@acrouter/domain/verification/languages';
import type { Finding } from '@acrouter/domain/verification/signals';
import type { Check, VerifyDependencies } from './verify';
import { DEFAULT_CHECK_MS } from './verify';

/** Runs the task's own command in a folder with the answer and the task's files; the task's files win. */
export async function checkByCommand(check: Check, sandbox: Sandbox, deps: VerifyDependencies) {
  const { task, programs } = check;
  const spec = task.verification ?? {};
  const language: SandboxLanguage = check.language ?? 'bash';
  const answerFile = spec.answerFile ?? ANSWER_FILES[check.language ?? 'python'];
  const program = programs[0] ?? null;
  const result = await sandbox.run(
    {
      language,
      argv: ['/bin/sh', '-c', spec.command ?? 'false'],
      files: { [answerFile]: program?.text ?? check.answer, ...spec.files },
      limits: { wallMs: spec.timeoutMs ?? DEFAULT_CHECK_MS },
    },
    deps.signal,
  );
  return { findings: [commandFinding(result)], chosen: program, ran: true, refused: refusalOf(result) };
}

const refusalOf = (result: SandboxResult) =>
  result.outcome.kind === 'not-started' || result.outcome.kind === 'cancelled' ? result.outcome.kind : null;

function commandFinding(result: SandboxResult): Finding {
  const { outcome } = result;
  const evidence = {
    given: true,
    outcome,
    stdout: result.stdout.slice(-500),
    stderr: result.stderr.slice(-500),
  };
  switch (outcome.kind) {
    case 'ended': {
      const ok = outcome.exitCode === 0;
      return { kind: 'tests', status: ok ? 'passed' : 'failed', score: ok ? 1 : 0, evidence };
    }
    case 'output-flood':
      return { kind: 'tests', status: 'killed', score: 0, evidence };
    case 'timed-out':
    case 'out-of-memory':
    case 'killed':
      return { kind: 'tests', status: outcome.kind, score: 0, evidence };
    case 'cancelled':
    case 'not-started':
      return { kind: 'tests', status: 'refused', score: null, evidence };
  }
}
