import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentSettings } from '@acrouter/config/agent-entry';
import { rawEnv } from '@acrouter/config/env';
import type { ModelEntry } from '@acrouter/config/models-file';
import { findAgentCommand, missingAgent } from './agent-command';
import { agentFailure } from './agent-failure';
import { AGENT_MARK, runAgent, type AgentEnd } from './agent-process';
import { agentArgs, readAgentOutput, type AgentOutput } from './agent-profiles';
import { AgentWorkspace, sweepAgentFolders } from './agent-workspace';
import { harmless } from './failure';
import type {
  CompletionRequest,
  CompletionResult,
  Failed,
  FailureKind,
  ModelClient,
  Workspace,
} from './model-client';

/** A request without files: the answer is what the agent says. */
const NO_FILES: Workspace = { files: {}, edits: [], answerFile: 'answer.txt', language: null };
/** Shorter values are no secrets, and replacing them would spoil answers. */
const LEAST_SECRET_CHARS = 8;

/**
 * A coding agent of this machine as a model: run in a copy of the task's files, and what it changed there is the
 * answer. It is trusted with the network and with the variables it is given, not with anything else of ours.
 */
export function createAgentClient(entry: ModelEntry, agent: AgentSettings): ModelClient {
  sweepAgentFolders();
  return { complete: (request, signal) => complete({ entry, agent }, request, signal) };
}

interface Agent {
  entry: ModelEntry;
  agent: AgentSettings;
}

async function complete(
  { entry, agent }: Agent,
  request: CompletionRequest,
  signal: AbortSignal,
): Promise<CompletionResult> {
  const startedAt = performance.now();
  const say = new Reporter(agent, startedAt);
  const missing = missingAgent(agent);
  if (missing !== null) return say.failed('refused', missing, { mayHaveBeenBilled: false });
  if (signal.aborted) return say.failed('cancelled', 'the call was cancelled', { mayHaveBeenBilled: false });
  let workspace: AgentWorkspace;
  try {
    workspace = await AgentWorkspace.create(request.workspace ?? NO_FILES);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return say.failed('refused', `the task's files could not be laid out: ${reason}`, {
      mayHaveBeenBilled: false,
    });
  }
  try {
    const end = await start({ entry, agent }, workspace, request, signal);
    const output = readAgentOutput(agent.kind, end.stdout);
    const failure = failureOf(end, output, entry, say);
    if (failure) return failure;
    return {
      kind: 'answered',
      text: say.withoutSecrets(await answerText(workspace, output)),
      usage: output.usage,
      ...costOf(agent, output),
      responseModel: output.model ?? entry.model,
      finishReason: output.limited ? 'length' : 'stop',
      latencyMs: performance.now() - startedAt,
    };
  } finally {
    await workspace.remove();
  }
}

async function start(
  { entry, agent }: Agent,
  workspace: AgentWorkspace,
  request: CompletionRequest,
  signal: AbortSignal,
): Promise<AgentEnd> {
  const task = request.workspace ?? NO_FILES;
  const prompt = agentPrompt(request.prompt, task);
  const promptFile = join(workspace.root, 'prompt.txt');
  await writeFile(promptFile, prompt);
  const maxCallUsd = agent.perCallUsd === null ? (entry.price.maxCallUsd ?? null) : null;
  return runAgent(
    {
      command: findAgentCommand(agent.command) ?? agent.command,
      args: agentArgs(agent, { promptFile, edits: task.edits, maxCallUsd }),
      cwd: workspace.folder,
      env: environmentOf(agent, workspace.root),
      stdin: agent.kind === 'aider' ? '' : prompt,
      timeoutMs: entry.limits.timeoutMs,
    },
    signal,
  );
}

/** Only what is listed, and what no program can do without. */
function environmentOf(agent: AgentSettings, root: string): Record<string, string> {
  const ours = rawEnv();
  const given = agent.env.flatMap((name) => (ours[name] === undefined ? [] : [[name, ours[name]] as const]));
  const home = agent.home === 'inherit' ? (ours['HOME'] ?? '/') : join(root, 'home');
  return {
    PATH: ours['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    HOME: home,
    TMPDIR: join(root, 'tmp'),
    LANG: 'C.UTF-8',
    TERM: 'dumb',
    NO_COLOR: '1',
    CI: '1',
    ...Object.fromEntries(given),
    [AGENT_MARK]: randomUUID(),
  };
}

/** The task's prompt, unchanged, below what an agent must know besides. */
export function agentPrompt(prompt: string, { edits, answerFile, language }: Workspace): string {
  const alone = 'Work alone: nobody answers questions, and nothing is read but the result.';
  const form =
    edits.length > 0
      ? `You are in a copy of the repository. Do what the task below asks by editing these files in place:\n${edits.map((p) => `- ${p}`).join('\n')}\nOnly their changes count. Where the task asks for an answer as a diff or a code block, edit the files instead. Create, rename and delete none.`
      : language === null
        ? `Write your complete answer to the task below, in the form that it asks for, into the file ${answerFile} of the current folder.`
        : `Write the complete, final code that the task below asks for into the file ${answerFile} of the current folder: every import it needs, whole functions, no example calls, no tests unless tests are what is asked for.`;
  return `${form} ${alone}\n\nThe task:\n\n${prompt}\n`;
}

async function answerText(workspace: AgentWorkspace, output: AgentOutput): Promise<string> {
  try {
    return (
      (await workspace.answer()) ?? (output.text.trim() || 'The agent changed nothing and said nothing.')
    );
  } catch {
    return 'The agent changed more than an answer may hold.';
  }
}

/** What it costs by the configured price, else by its own account, else by its tokens; else unknown. */
function costOf(agent: AgentSettings, output: AgentOutput): { costUsd?: number | null } {
  if (agent.perCallUsd !== null) return { costUsd: agent.perCallUsd };
  if (output.costUsd !== null) return { costUsd: output.costUsd };
  return agent.pricedByTokens ? {} : { costUsd: null };
}

function failureOf(end: AgentEnd, output: AgentOutput, entry: ModelEntry, say: Reporter): Failed | null {
  const { timeoutMs } = entry.limits;
  if (end.startError !== null)
    return say.failed('refused', `could not be started: ${end.startError}`, { mayHaveBeenBilled: false });
  if (end.stopped === 'cancelled') return say.failed('cancelled', 'the call was cancelled');
  // Another run would take as long and cost as much; another model may be quicker.
  if (end.stopped === 'timeout') return say.failed('timeout', `no end within ${timeoutMs} ms; killed`);
  if (end.stopped === 'flood') return say.failed('broken-body', 'printed without end; killed');
  if (output.error === null && (end.exitCode === 0 || output.limited)) return null;
  const printed = output.error ?? (`${end.stderr}\n${output.text}`.trim() || end.stdout);
  const how = end.exitCode === null ? `was killed by ${end.signal}` : `ended with exit code ${end.exitCode}`;
  const kind = agentFailure(printed.slice(-20_000));
  const free = output.costUsd === 0 || kind.failure === 'auth';
  return say.failed(kind.failure, `${how}: ${printed.trim().slice(-400) || 'it printed nothing'}`, {
    ...kind,
    mayHaveBeenBilled: !free,
  });
}

/** Words a failure, without the secrets that the agent was given. */
class Reporter {
  private readonly secrets: [name: string, value: string][];

  constructor(
    private readonly agent: AgentSettings,
    private readonly startedAt: number,
  ) {
    this.secrets = agent.env.flatMap((name): [string, string][] => {
      const value = rawEnv()[name] ?? '';
      return value.length < LEAST_SECRET_CHARS ? [] : [[name, value]];
    });
  }

  withoutSecrets(text: string): string {
    return this.secrets.reduce((clean, [name, value]) => clean.replaceAll(value, `[${name}]`), text);
  }

  failed(failure: FailureKind, message: string, facts: Partial<Failed> = {}): Failed {
    return {
      retryable: false,
      mayHaveBeenBilled: true,
      ...facts,
      kind: 'failed',
      failure,
      message: harmless(`${this.agent.kind}: ${this.withoutSecrets(message)}`, null),
      latencyMs: performance.now() - this.startedAt,
    };
  }
}
