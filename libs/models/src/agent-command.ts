import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { rawEnv } from '@acrouter/config/env';
import type { AgentSettings } from '@acrouter/config/agent-entry';

/** Where the agent's program is, or `null` when this machine does not have it. */
export function findAgentCommand(command: string): string | null {
  if (isAbsolute(command)) return isProgram(command) ? command : null;
  const folders = (rawEnv()['PATH'] ?? '').split(delimiter).filter(Boolean);
  return folders.map((folder) => join(folder, command)).find(isProgram) ?? null;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** How the known agents are installed, for messages. Source: each agent's own instructions. */
const INSTALL: Record<AgentSettings['kind'], string> = {
  claude: 'npm install -g @anthropic-ai/claude-code',
  codex: 'npm install -g @openai/codex',
  opencode: 'npm install -g opencode-ai',
  aider: 'python3 -m pip install aider-install && aider-install',
  custom: 'put it there, or mend "command"',
};

/** What to do about a program of an agent that is not there; `null` when it can be run. */
export function missingAgent({ kind, command }: AgentSettings): string | null {
  const tool = ['git', 'tar'].find((name) => findAgentCommand(name) === null);
  if (tool)
    return `${tool} is no program on this machine: install it; an agent's copy is made and read with it`;
  if (findAgentCommand(command) !== null) return null;
  const how = kind === 'custom' ? INSTALL.custom : `install it (${INSTALL[kind]}) or set "command"`;
  return `${command} is no program on this machine: ${how} in models.yaml`;
}
