import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lock } from './lock';

let folder: string;
let child: ChildProcess;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'acr-lock-'));
});
afterEach(async () => {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  rmSync(folder, { recursive: true, force: true });
});

/** Starts a shell script; its first line of output. */
async function start(script: string): Promise<string> {
  child = spawn('/bin/sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  return line.toString().trim();
}

test('a process that lives keeps others away', async () => {
  writeFileSync(join(folder, 'pid'), await start('echo $$; exec sleep 60'));
  expect(() => lock(folder)).toThrow(`Process ${child.pid} is working on this refactor`);
});

const onLinux = existsSync('/proc/self/stat') ? test : test.skip;
onLinux('one that was killed and is not yet reaped by its parent does not', async () => {
  // The shell becomes a sleep, which never asks what became of its child; before that it would.
  const zombie = await start('sleep 60 & echo $!; exec sleep 60');
  while (readFileSync(`/proc/${child.pid}/comm`, 'utf8') !== 'sleep\n') await sleep(5);
  process.kill(Number(zombie), 'SIGKILL');
  while (!readFileSync(`/proc/${zombie}/stat`, 'utf8').includes(') Z ')) await sleep(5);
  writeFileSync(join(folder, 'pid'), zombie);
  const unlock = lock(folder);
  expect(readFileSync(join(folder, 'pid'), 'utf8')).toBe(String(process.pid));
  unlock();
  expect(existsSync(join(folder, 'pid'))).toBe(false);
});
