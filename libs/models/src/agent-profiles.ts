import type { AgentKind, AgentSettings } from '@acrouter/config/agent-entry';
import type { Usage } from '@acrouter/domain/task';

/** What one call hands to an agent. The prompt is on its standard input and in a file. */
export interface AgentCall {
  promptFile: string;
  /** Paths, relative to the folder it starts in, that it is to change. */
  edits: readonly string[];
  /** The most that it may spend, USD, for those that can be told. */
  maxCallUsd: number | null;
}

/** What an agent said. Everything it does not say is `null`, never 0. */
export interface AgentOutput {
  /** Its last message. */
  text: string;
  usage: Usage | null;
  costUsd: number | null;
  /** The model it says it used. */
  model: string | null;
  /** It stopped at a limit of its own (turns, budget): what it did until then counts. */
  limited: boolean;
  /** Its own account of why it failed. */
  error: string | null;
}

const SILENT: AgentOutput = {
  text: '',
  usage: null,
  costUsd: null,
  model: null,
  limited: false,
  error: null,
};

/** The arguments of a non-interactive run. Flags as documented by each agent in 2026; see docs/models.md. */
export function agentArgs({ kind, model, args }: AgentSettings, call: AgentCall): string[] {
  const named = (flag: string) => (model === null ? [] : [flag, model]);
  const filled = args.map((arg) =>
    arg.replaceAll('{prompt_file}', call.promptFile).replaceAll('{model}', model ?? ''),
  );
  switch (kind) {
    case 'claude': {
      const budget = call.maxCallUsd === null ? [] : ['--max-budget-usd', String(call.maxCallUsd)];
      const fixed = ['-p', '--output-format', 'json', '--permission-mode', 'acceptEdits'];
      return [...fixed, ...budget, ...named('--model'), ...filled];
    }
    case 'codex': {
      const fixed = [
        'exec',
        '--json',
        '--sandbox',
        'workspace-write',
        '--skip-git-repo-check',
        '--ephemeral',
      ];
      return [...fixed, ...named('--model'), ...filled, '-'];
    }
    case 'opencode':
      return ['run', '--format', 'json', ...named('--model'), ...filled];
    case 'aider': {
      const fixed = [
        '--message-file',
        call.promptFile,
        '--yes-always',
        '--no-auto-commits',
        '--no-gitignore',
      ];
      const quiet = ['--no-stream', '--no-pretty', '--no-check-update', '--analytics-disable'];
      return [
        ...fixed,
        ...quiet,
        ...named('--model'),
        ...filled,
        ...call.edits.flatMap((p) => ['--file', p]),
      ];
    }
    case 'custom':
      return filled;
  }
}

const READERS: Record<AgentKind, (stdout: string) => AgentOutput> = {
  claude: readClaude,
  codex: readCodex,
  opencode: readOpencode,
  aider: readAider,
  custom: readCustom,
};

/** Reads what an agent printed. Never throws: output that is none of its forms says nothing. */
export function readAgentOutput(kind: AgentKind, stdout: string): AgentOutput {
  return READERS[kind](stdout);
}

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const numberOf = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;
const tokensOf = (value: unknown): number | null => {
  const n = numberOf(value);
  return n !== null && Number.isSafeInteger(n) && n < 2 ** 31 ? n : null;
};

/** Tokens as one agent counts them: `fresh` input excludes what was read from the cache. */
function usageOf(fresh: unknown, cached: unknown, output: unknown, reasoning: unknown = 0): Usage | null {
  const [input, out] = [tokensOf(fresh), tokensOf(output)];
  if (input === null || out === null) return null;
  const cachedInputTokens = tokensOf(cached) ?? 0;
  const reasoningTokens = Math.min(tokensOf(reasoning) ?? 0, out);
  return { inputTokens: input + cachedInputTokens, outputTokens: out, cachedInputTokens, reasoningTokens };
}

/** JSON objects, one per line; other lines are skipped. */
function eventsOf(stdout: string): Fields[] {
  return stdout.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return [];
    try {
      return [fieldsOf(JSON.parse(line))];
    } catch {
      return [];
    }
  });
}

/** One JSON object with `result`, `is_error`, `total_cost_usd` and `usage`. */
function readClaude(stdout: string): AgentOutput {
  const said = eventsOf(stdout.trim()).findLast((e) => e['type'] === 'result');
  if (!said) return SILENT;
  const usage = fieldsOf(said['usage']);
  const fresh =
    (tokensOf(usage['input_tokens']) ?? Number.NaN) + (tokensOf(usage['cache_creation_input_tokens']) ?? 0);
  const subtype = textOf(said['subtype']);
  const limited = subtype.startsWith('error_max_');
  const failed = said['is_error'] === true && !limited;
  const errors = Array.isArray(said['errors']) ? said['errors'].map((e) => textOf(e)).join('; ') : '';
  const models = Object.keys(fieldsOf(said['modelUsage']));
  return {
    text: textOf(said['result']),
    usage: usageOf(fresh, usage['cache_read_input_tokens'], usage['output_tokens']),
    costUsd: numberOf(said['total_cost_usd']),
    model: models.length === 1 ? (models[0] ?? null) : null,
    limited,
    error: failed ? textOf(said['result']) || errors || subtype || 'it reports an error' : null,
  };
}

/** Events, one per line: `item.completed` with messages, `turn.completed` with tokens, `turn.failed`, `error`. */
function readCodex(stdout: string): AgentOutput {
  const output = { ...SILENT };
  for (const event of eventsOf(stdout)) {
    const item = fieldsOf(event['item']);
    if (event['type'] === 'item.completed' && item['type'] === 'agent_message')
      output.text = textOf(item['text']);
    if (event['type'] === 'turn.failed') output.error = textOf(fieldsOf(event['error'])['message']);
    if (event['type'] === 'error') output.error = textOf(event['message']);
    if (event['type'] !== 'turn.completed') continue;
    // Its input counts what was read from the cache; an error before a completed turn was overcome.
    output.error = null;
    const usage = fieldsOf(event['usage']);
    const cached = tokensOf(usage['cached_input_tokens']) ?? 0;
    const fresh = Math.max(0, (tokensOf(usage['input_tokens']) ?? Number.NaN) - cached);
    output.usage = usageOf(fresh, cached, usage['output_tokens'], usage['reasoning_output_tokens']);
  }
  return output;
}

/** Events, one per line: `text`, `step_finish` with cost and tokens of a step, `error`. */
function readOpencode(stdout: string): AgentOutput {
  const output = { ...SILENT };
  for (const event of eventsOf(stdout)) {
    const part = fieldsOf(event['part']);
    if (event['type'] === 'text') output.text = textOf(part['text']);
    if (event['type'] === 'error') output.error = JSON.stringify(event['error'] ?? event).slice(0, 500);
    if (event['type'] !== 'step_finish') continue;
    const cost = numberOf(part['cost']);
    if (cost !== null) output.costUsd = (output.costUsd ?? 0) + cost;
    const tokens = fieldsOf(part['tokens']);
    const cache = fieldsOf(tokens['cache']);
    const fresh = (tokensOf(tokens['input']) ?? Number.NaN) + (tokensOf(cache['write']) ?? 0);
    const step = usageOf(fresh, cache['read'], tokens['output']);
    if (step) output.usage = output.usage ? sum(output.usage, step) : step;
  }
  // It prices models that it does not know at 0; only a price it has is an account.
  if (output.costUsd === 0) output.costUsd = null;
  return output;
}

const sum = (a: Usage, b: Usage): Usage => ({
  inputTokens: a.inputTokens + b.inputTokens,
  outputTokens: a.outputTokens + b.outputTokens,
  cachedInputTokens: a.cachedInputTokens + b.cachedInputTokens,
  reasoningTokens: a.reasoningTokens + b.reasoningTokens,
});

/** Prose, with `Cost: $0.01 message, $0.02 session.` where it knows the model's price. Its tokens are rounded. */
function readAider(stdout: string): AgentOutput {
  const costs = [...stdout.matchAll(/Cost: \$[\d.,]+ message, \$([\d,]*\.?\d+) session/g)];
  const last = costs.at(-1)?.[1];
  return { ...SILENT, text: stdout, costUsd: last ? numberOf(Number(last.replaceAll(',', ''))) : null };
}

/** Any text; a last line `{"text"?, "costUsd"?, "inputTokens"?, "outputTokens"?, "model"?, "error"?}` says more. */
function readCustom(stdout: string): AgentOutput {
  const lines = stdout.trimEnd().split('\n');
  const [said] = eventsOf(lines.at(-1) ?? '');
  if (!said) return { ...SILENT, text: stdout };
  return {
    text: textOf(said['text']) || lines.slice(0, -1).join('\n'),
    usage: usageOf(said['inputTokens'], 0, said['outputTokens']),
    costUsd: numberOf(said['costUsd']),
    model: textOf(said['model']) || null,
    limited: false,
    error: textOf(said['error']) || null,
  };
}
