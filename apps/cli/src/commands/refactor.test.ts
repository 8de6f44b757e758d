import { expect, test } from '@jest/globals';
import { Command } from 'commander';
import { registerRefactor } from './refactor';

test('resume can be told another branch, and says so in its help', () => {
  const program = new Command();
  registerRefactor(program);
  const resume = program.commands[0]?.commands.find((c) => c.name() === 'resume');
  expect(resume?.helpInformation()).toMatch(/--branch <name> +branch to make instead/);
});

test('resume refuses what it would have to ignore', async () => {
  const program = new Command();
  registerRefactor(program);
  const given = ['refactor', 'resume', '--glob', '*.ts', '--dry-run'];
  await expect(program.parseAsync(given, { from: 'user' })).rejects.toThrow(/leave out --glob, --dry-run/);
});
