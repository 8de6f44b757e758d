import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';

/**
 * A private mount namespace in which folders that only root can reach (a toolchain below a home of mode 0700)
 * are bound to a place that everyone can. It is held by one file descriptor of this process: it needs no
 * process, no mount of the host's, and ends with us however we end.
 */
export interface MountNamespace {
  /** For `nsenter --mount=`; readable by root. */
  path: string;
  /** Original folder → where it is inside the namespace. */
  places: ReadonlyMap<string, string>;
  close(): void;
}

const ANCHORS = ['/mnt', '/media', '/srv', '/opt'];

/** Arguments are passed as `$1`…, never pasted into the script. */
const SCRIPT = `set -e
anchor=$1; shift
mount -t tmpfs -o mode=0755,size=64k,nosuid,nodev acrouter "$anchor"
n=0
for folder in "$@"; do
  mkdir "$anchor/$n"
  mount --bind "$folder" "$anchor/$n"
  mount -o remount,bind,ro,nosuid,nodev "$anchor/$n"
  n=$((n+1))
done
echo ready
read -r _ || true`;

/**
 * Makes the namespace. Root only. Returns `null` when the machine refuses (a container without
 * CAP_SYS_ADMIN); the caller then goes without those folders.
 */
export async function openMountNamespace(folders: readonly string[]): Promise<MountNamespace | null> {
  const anchor = ANCHORS.find((path) => existsSync(path) && !folders.some((f) => f.startsWith(`${path}/`)));
  if (!anchor || !existsSync('/usr/bin/unshare') || !existsSync('/usr/bin/nsenter')) return null;
  const args = ['--mount', '--propagation', 'private', '/bin/sh', '-c', SCRIPT, 'sh', anchor, ...folders];
  const holder = spawn('/usr/bin/unshare', args, {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  holder.stdin.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => holder.once('close', () => resolve()));
  const ready = await Promise.race([
    new Promise<boolean>((resolve) => holder.stdout.once('data', () => resolve(true))),
    new Promise<boolean>((resolve) => holder.once('error', () => resolve(false))),
    ended.then(() => false),
  ]);
  const descriptor = ready ? openSync(`/proc/${holder.pid}/ns/mnt`, 'r') : null;
  holder.stdin.end();
  if (descriptor === null) return null;
  await ended;
  let open = true;
  return {
    path: `/proc/${process.pid}/fd/${descriptor}`,
    places: new Map(folders.map((folder, index) => [folder, `${anchor}/${index}`])),
    close: () => {
      if (open) closeSync(descriptor);
      open = false;
    },
  };
}
