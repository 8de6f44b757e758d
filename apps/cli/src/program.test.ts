import { describe, expect, test } from '@jest/globals';
import type { Command } from 'commander';
import { buildProgram } from './program';

/** A command and all below it, each with what was typed to reach it. */
function all(command: Command, path: string): [string, Command][] {
  return [[path, command], ...command.commands.flatMap((child) => all(child, `${path} ${child.name()}`))];
}

/** Help as a person sees it, with what was added after it. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text;
}

describe('help', () => {
  test('of the commands for pipelines, refactors and tenants fits a terminal of 80 columns', async () => {
    const wide: string[] = [];
    let lines = 0;
    for (const name of ['ci', 'refactor', 'keys', 'budgets', 'tenants', 'retention', 'dlq', 'migrate'])
      for (const [path, command] of all(
        (await buildProgram([name])).commands.find((c) => c.name() === name)!,
        name,
      ))
        for (const line of helpOf(command).split('\n')) {
          lines++;
          if (line.length > 80) wide.push(`${path}: ${line}`);
        }
    expect(wide).toEqual([]);
    expect(lines).toBeGreaterThan(200);
  });
});
