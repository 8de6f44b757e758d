import { rawEnv } from '@acrouter/config/env';
import { migrate } from '@acrouter/db/migrate';
import { AcrError } from '@acrouter/domain/errors';
import type { Command } from 'commander';
import { requirePostgresUrl } from '../database-options';
import { note, printJson } from '../output';

/** `acr migrate` */
export function registerMigrate(program: Command): void {
  program
    .command('migrate')
    .summary('bring a Postgres of your own up to date')
    .description(
      'Applies missing migrations; for deployments without "acr up". Safe to run from several places at once.',
    )
    .option('--database-url <url>', 'the Postgres (default: ACR_DATABASE_URL)')
    .option('--json', 'print {"applied"} as JSON')
    .action(async (options: { databaseUrl?: string; json?: boolean }) => {
      const url = options.databaseUrl ?? rawEnv().ACR_DATABASE_URL;
      if (!url)
        throw new AcrError(
          'ACR_CONFIG_INVALID',
          'Name the Postgres with --database-url or ACR_DATABASE_URL.',
        );
      requirePostgresUrl(url);
      const applied = await migrateDatabase(url);
      if (options.json) printJson({ applied });
      note(applied.length === 0 ? 'Already up to date.' : `Applied ${applied.join(', ')}.`);
    });
}

/** `migrate` with a fault that names the remedy. @throws AcrError ACR_DATABASE_UNAVAILABLE */
export async function migrateDatabase(url: string): Promise<string[]> {
  try {
    return await migrate(url);
  } catch (cause) {
    const { message, code } = cause as NodeJS.ErrnoException;
    throw new AcrError(
      'ACR_DATABASE_UNAVAILABLE',
      `The database cannot be used: ${message || code}. Check its URL (--database-url, ACR_DATABASE_URL).`,
      { cause },
    );
  }
}
