import { readdirSync, readFileSync } from 'node:fs';

/** Stops the services, then fails the run when a test left a process behind. */
export default async function globalTeardown(): Promise<void> {
  await globalThis.acrTestServices?.stop();
  const leaked = leftBehind(`ACR_TEST_RUN=${process.env.ACR_TEST_RUN}`);
  for (const { pid } of leaked) process.kill(pid, 'SIGKILL');
  if (leaked.length > 0) {
    const list = leaked.map(({ pid, command }) => `${pid} ${command}`).join('\n  ');
    throw new Error(`Tests left ${leaked.length} process(es) behind:\n  ${list}`);
  }
}

/** Descendants of this run that still live, by the marker in their environment; Linux only, else none. */
function leftBehind(marker: string): { pid: number; command: string }[] {
  const found: { pid: number; command: string }[] = [];
  for (const entry of readdirOrNothing('/proc')) {
    const pid = Number(entry);
    if (!pid || pid === process.pid) continue;
    if (!read(`/proc/${entry}/environ`).split('\0').includes(marker)) continue;
    const command = read(`/proc/${entry}/cmdline`).split('\0').join(' ').trim();
    // Jest's own workers end by themselves, after this.
    if (command && !command.includes('jest-worker')) found.push({ pid, command: command.slice(0, 200) });
  }
  return found;
}

function readdirOrNothing(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
