import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { openSandbox } from './open';
import type { Sandbox } from './sandbox';

jest.setTimeout(120_000);

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox({ prefer: 'bubblewrap' });
});
afterAll(() => sandbox.close());

const ours = new RegExp(`^acr-${process.pid}-`);

/** Control groups of this process anywhere below the mount. */
function groups(folder = '/sys/fs/cgroup', depth = 0): string[] {
  if (!existsSync(folder) || depth > 6) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory()
      ? [...(ours.test(entry.name) ? [entry.name] : []), ...groups(`${folder}/${entry.name}`, depth + 1)]
      : [],
  );
}

/** Everything that a check could leave behind on this host. */
const traces = () => ({
  mounts: readFileSync('/proc/self/mountinfo', 'utf8').split('\n').length,
  children: readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim(),
  groups: groups(),
  files: readdirSync(tmpdir()).filter((name) => /^acr-(unsafe|container)-/.test(name)),
  descriptors: readdirSync('/proc/self/fd').length,
});

test('200 checks in a row leave no process, mount, control group, file or descriptor', async () => {
  const run = (code: string) =>
    sandbox.run({ language: 'python', argv: ['{tool}', '-I', '-S', '-c', code], limits: { wallMs: 3_000 } });
  await run('pass');
  const before = traces();
  const codes = [
    'pass',
    'import os; os.fork() or os.setsid()',
    'raise SystemExit(3)',
    'import os; os.abort()',
  ];
  for (let i = 0; i < 200; i += 4) await Promise.all(codes.map(run));
  const after = traces();
  expect({ ...after, descriptors: 0 }).toEqual({ ...before, descriptors: 0, groups: [] });
  expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + 4);
});
