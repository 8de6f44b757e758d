import { AcrError } from '@acrouter/domain/errors';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { ConnectOptions, GatewayClient } from './gateway-client';
import { findDataDir, pathsOf } from './stack/stack-file';

/** Remembers the run for `watch`, `report` and `cancel` without a name. Best effort: a remote gateway has no folder here. */
export function rememberRun(options: ConnectOptions, runId: string): void {
  const dataDir = findDataDir(options.dataDir);
  if (!existsSync(dataDir)) return;
  try {
    writeFileSync(pathsOf(dataDir).lastRun, `${runId}\n`);
  } catch {
    // The newest task tells it too; see runOrLast.
  }
}

/** The given run, else the last one submitted from here, else the newest of the gateway. @throws ACR_NOT_FOUND */
export async function runOrLast(
  client: GatewayClient,
  options: ConnectOptions,
  given: string | undefined,
): Promise<string> {
  if (given) return given;
  const file = pathsOf(findDataDir(options.dataDir)).lastRun;
  if (!options.url && existsSync(file)) return readFileSync(file, 'utf8').trim();
  const newest = (await client.tasks('limit=1')).tasks[0]?.runId;
  if (newest) return newest;
  throw new AcrError('ACR_NOT_FOUND', 'There is no run yet. Submit one with "acr submit FILE".');
}
