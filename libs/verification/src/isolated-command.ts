import { AcrError } from '@acrouter/domain/errors';
import type { Sandbox, SandboxRequest, SandboxResult } from '@acrouter/sandbox/sandbox';
import type { Program } from '@acrouter/domain/verification/extract';
import { wordsOf } from '@acrouter/domain/verification/isolation';
import { pythonStart, scriptBundle } from './harness-bundle';
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

/** The answer's process: reads its programs from stdin, then serves whoever opens the other ends of its pipes. */
async function answerRequest(sandbox: Sandbox, run: IsolatedCommand, set: string): Promise<SandboxRequest> {
  const order = Buffer.from(
    JSON.stringify({ programs: run.programs.map((p) => p.text), entry: run.entryPoint }),
  );
  const start =
    run.language === 'python'
      ? await pythonStart(sandbox, 'candidate')
      : {
          argv: ['{tool}', '--disable-sigusr1', '-e', scriptBundle(), 'attached-candidate'],
          stdin: Buffer.alloc(0),
        };
  return {
    language: run.language,
    argv: start.argv,
    stdin: Buffer.concat([start.stdin, order]),
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
    const start = answerRequest(sandbox, run, pipes.set(set));
    const answer = start.then((request) => sandbox.run(request, over.signal));
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
