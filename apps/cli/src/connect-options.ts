import type { Command } from 'commander';

/** Adds the options that say which gateway to talk to; `connect` of gateway-client.ts takes them. */
export function withConnection(command: Command): Command {
  return command
    .option('--url <url>', 'gateway to talk to (default: ACR_URL, else the stack running here)')
    .option('--data-dir <dir>', 'data folder of the stack (default: .acr)');
}
