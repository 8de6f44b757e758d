import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Waits at its stdin until the supervisor is gone, then until the services are (they end by themselves, and need
 * the database for it), and stops Postgres unless a new supervisor has taken it over. A shell, because a Node
 * process would hold 40 MB for nothing.
 */
const SCRIPT = `
trap '' INT HUP
cat >/dev/null
n=0
while [ $n -lt 80 ]; do
  live=
  for pid in $(cat "$1" 2>/dev/null); do kill -0 "$pid" 2>/dev/null && live=1; done
  [ -z "$live" ] && break
  sleep 0.5
  n=$((n + 1))
done
[ "$(cat "$2" 2>/dev/null)" = "$3" ] && kill -INT "$4"
`;

export interface PostgresKeeper {
  /** Ends the keeper without letting it stop Postgres. */
  dismiss(): void;
}

/**
 * Makes sure that the embedded Postgres does not outlive a supervisor that was killed with SIGKILL.
 * @param postgresDir the folder given to `startPostgres`
 */
export function keepPostgres(postgresDir: string, servicePids: string, postgresPid: number): PostgresKeeper {
  const moved = join(postgresDir, 'LOCATION');
  const folder = existsSync(moved) ? readFileSync(moved, 'utf8').trim() : postgresDir;
  const ownerFile = join(folder, 'owner.pid');
  const args = [servicePids, ownerFile, String(process.pid), String(postgresPid)];
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'acr-postgres-keeper', ...args], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  child.on('error', () => undefined);
  child.stdin?.on('error', () => undefined);
  return { dismiss: () => child.kill('SIGKILL') };
}
