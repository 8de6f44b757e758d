import { expect, test } from '@jest/globals';
import { Command } from 'commander';
import { registerRefactor } from './refactor';

test('resume can be told another branch, and says so in its help', () => {
  const program = new Command();
  registerRefactor(program);
  const resume = program.commands[0]?.commands.find((c) => c.name() === 'resume');
  expect(resume?.helpInformation()).toMatch(/--branch <name> +branch to make instead/);
});
