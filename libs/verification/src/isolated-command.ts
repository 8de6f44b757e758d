import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AcrError } from '@acrouter/domain/errors';
import type { Sandbox, SandboxRequest, SandboxResult } from '@acrouter/sandbox/sandbox';
import type { Program } from '@acrouter/domain/verification/extract';
import { wordsOf } from '@acrouter/domain/verification/isolation';
import { JudgePipes } from './judge-pipes';
import { PYTHON_STAND_IN, scriptStandIn } from './stand-in';

/** A command check whose answer runs in sandboxes of its own. */
export interface IsolatedCommand {
  language: 'python' | 'javascript';
  /** The command's own request, with the task's files; its answer file is put in here. */
  request: SandboxRequest;
  answerFile: string;
  programs: readonly Program[];
  entryPoint: string | null;
  prompt: string;
}

const harness = (file: string) => readFileSync(join(__dirname, 'harness', file), 'utf8');

/** The answer's process: reads its programs from stdin, then serves whoever opens the other ends of its pipes. */
function answerRequest(run: IsolatedCommand, set: string): SandboxRequest {
  const argv =
    run.language === 'python'
      ? ['{tool}', '-I', '-S', '-B', '-c', harness('python_harness.py'), 'candidate']
      : ['{tool}', '--disable-sigusr1', '-e', harness('script-harness.cjs'), 'attached-candidate'];
  return {
    language: run.language,
    argv,
    stdin: JSON.stringify({ programs: run.programs.map((p) => p.text), entry: run.entryPoint }),
    mounts: [{ from: set, to: '/judge' }],
    limits: run.request.limits,
  };
}

async function openPipes(words: readonly string[], wanted: (set: number) => void): Promise<JudgePipes> {
  try {
    return await JudgePipes.open(words, wanted);
  } catch (cause) {
    const detail = `No pipes between tests and answer: ${(cause as Error).message}`;
    throw new AcrError('ACR_SANDBOX_FAULT', detail, { cause });
  }
}

/**
 * Runs a task's command in one sandbox, with the task's files and a stand-in for the answer, and the answer in
 * another, which has nothing but the answer. So the answer cannot read, change or delete tests, end their process,
 * patch their libraries or write their report; the command's exit code is its own.
 * @throws AcrError ACR_SANDBOX_FAULT when one of the sandboxes, or what joins them, could not be made.
 */
export async function runIsolated(
  sandbox: Sandbox,
  run: IsolatedCommand,
  signal?: AbortSignal,
): Promise<SandboxResult> {
  const over = new AbortController();
  const broken = new AbortController();
  const answers: Promise<unknown>[] = [];
  const files = run.request.files ?? {};
  const words = wordsOf([run.prompt, ...Object.values(files), run.request.argv.join(' ')]);
  const pipes = await openPipes(words, (set) => {
    const answer = sandbox.run(answerRequest(run, pipes.set(set)), over.signal);
    // Without its answer the command would wait until its time is over, and the answer be blamed for it.
    answers.push(answer.catch((error: unknown) => broken.abort(error)));
  });
  const standIn =
    run.language === 'python'
      ? PYTHON_STAND_IN
      : scriptStandIn(run.programs[0] as Program, run.answerFile, files);
  try {
    const result = await sandbox.run(
      {
        ...run.request,
        files: { ...files, [run.answerFile]: standIn },
        mounts: [{ from: pipes.folder, to: '/judge' }],
      },
      AbortSignal.any([broken.signal, ...(signal ? [signal] : [])]),
    );
    broken.signal.throwIfAborted();
    return result;
  } finally {
    over.abort();
    await Promise.allSettled(answers);
    pipes.close();
  }
}
