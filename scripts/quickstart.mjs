/** `npm run quickstart`: from a clean clone to a report. Needs Node >= 20.19 and npm, nothing else. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { BUBBLEWRAP, prepare, projectEnv, root, Steps } from './setup.mjs';

const steps = new Steps(6);
process.stdout.write('ACRouter quickstart\n');
await prepare(steps, [BUBBLEWRAP]);
const child = spawn(
  process.execPath,
  [join(root, 'apps/cli/bin/acr.mjs'), 'quickstart', '--first-step', '4', ...process.argv.slice(2)],
  { cwd: root, env: projectEnv(), stdio: 'inherit' },
);
// The terminal sends Ctrl-C to the child too; it stops everything and then ends, and so do we.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal ? 130 : 1);
});
