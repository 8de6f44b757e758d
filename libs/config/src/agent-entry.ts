import { isAbsolute, join } from 'node:path';
import { z } from 'zod';

/** Coding agents whose flags and output are known; `custom` is any program that keeps the contract of docs/models.md. */
export const AGENTS = ['claude', 'codex', 'opencode', 'aider', 'custom'] as const;
export type AgentKind = (typeof AGENTS)[number];

/** How a coding agent on this machine is run as a model. Holds names of variables, never their values. */
export interface AgentSettings {
  kind: AgentKind;
  /** A name to be found on PATH, or an absolute path. */
  command: string;
  /** Added after the arguments that the agent always gets. */
  args: string[];
  /** The agent's own name of its model; `null`: whatever it is set to. */
  model: string | null;
  /** Variables that it sees, besides PATH and a few harmless ones. */
  env: string[];
  /** `private`: an empty folder per call; `inherit`: the executor's own, with log-ins and settings. */
  home: 'private' | 'inherit';
  /** A flat price per call, USD, over whatever is reported; `null` = none. */
  perCallUsd: number | null;
  /** Whether a call whose cost the agent does not say may be priced by the tokens it reports. */
  pricedByTokens: boolean;
}

const variableName = z
  .string()
  .regex(/^[A-Za-z_]\w*$/, 'is the NAME of an environment variable, never its value');

/** Fields of a `provider: cli` entry in models.yaml. */
export const agentFields = {
  agent: z.enum(AGENTS).optional(),
  command: z.string().min(1).optional(),
  args: z.array(z.string()).optional(),
  env: z.array(variableName).optional(),
  home: z.enum(['private', 'inherit']).optional(),
};

/** Prices of an agent in models.yaml, USD; which are needed together {@link agentMistakes} says. */
export const agentPriceFields = {
  perCallUsd: z.number().min(0).max(10_000).optional(),
  maxCallUsd: z.number().positive().max(10_000).optional(),
};

/** An entry as written, as far as agents are concerned. */
export interface WrittenEntry {
  provider: string;
  model?: string;
  baseUrl?: string;
  apiKeyEnv?: string;
  agent?: AgentKind;
  command?: string;
  args?: string[];
  env?: string[];
  home?: 'private' | 'inherit';
  price: { inputPerMillion?: number; outputPerMillion?: number; perCallUsd?: number; maxCallUsd?: number };
}

/** Tokens by which a price per call is spread, where something compares models by the price of a token. */
const TYPICAL_TOKENS = 600;

/** What is wrong with an entry because it is, or is not, an agent: field → what to do about it. */
export function agentMistakes(entry: WrittenEntry): [field: string, text: string][] {
  const { price } = entry;
  const isAgent = entry.provider === 'cli';
  const hasTokens = price.inputPerMillion !== undefined || price.outputPerMillion !== undefined;
  const mistakes: [string, string][] = [];
  const refuse = (fields: readonly (keyof WrittenEntry)[], why: string) => {
    for (const field of fields) if (entry[field] !== undefined) mistakes.push([field, why]);
  };
  if (isAgent) {
    refuse(['baseUrl', 'apiKeyEnv'], 'is not for an agent; name the variables it needs in "env"');
    if (!entry.agent) mistakes.push(['agent', `is missing: one of ${AGENTS.join(', ')}`]);
    if (entry.agent === 'custom' && !entry.command)
      mistakes.push(['command', 'is missing: the program to run']);
    if (price.perCallUsd === undefined && price.maxCallUsd === undefined)
      mistakes.push([
        'price',
        'needs "maxCallUsd", the most that one call may cost (it is reserved), or "perCallUsd", a flat price',
      ]);
  } else {
    refuse(['agent', 'command', 'args', 'env', 'home'], 'is only for "provider: cli"');
    if (price.perCallUsd !== undefined || price.maxCallUsd !== undefined)
      mistakes.push(['price', 'may hold "perCallUsd" and "maxCallUsd" only with "provider: cli"']);
  }
  if (!isAgent || hasTokens)
    for (const field of ['inputPerMillion', 'outputPerMillion'] as const)
      if (price[field] === undefined) mistakes.push([`price.${field}`, 'is missing']);
  return mistakes;
}

/** The agent of an entry without mistakes. @param folder of models.yaml: a relative path is relative to it. */
export function agentOf(entry: WrittenEntry, folder: string): AgentSettings {
  const kind = entry.agent ?? 'custom';
  const command = entry.command ?? kind;
  const isPath = command.includes('/') && !isAbsolute(command);
  return {
    kind,
    command: isPath ? join(folder, command) : command,
    args: entry.args ?? [],
    model: entry.model ?? null,
    env: entry.env ?? [],
    home: entry.home ?? 'private',
    perCallUsd: entry.price.perCallUsd ?? null,
    pricedByTokens: entry.price.inputPerMillion !== undefined,
  };
}

/**
 * Prices of an agent as routing compares them. Without prices per token a typical call's tokens make up the price
 * of a call, so that no comparison takes the agent for one that costs nothing. No call is ever billed by that.
 */
export function agentPrice<P extends WrittenEntry['price']>(price: P) {
  const { perCallUsd, maxCallUsd, ...perToken } = price;
  const most = perCallUsd ?? maxCallUsd ?? 0;
  const spread = (most * 1e6) / TYPICAL_TOKENS;
  return {
    ...perToken,
    inputPerMillion: price.inputPerMillion ?? spread,
    outputPerMillion: price.outputPerMillion ?? spread,
    maxCallUsd: most,
  };
}
