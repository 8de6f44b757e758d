import { execFile } from 'node:child_process';
import { AcrError } from '@acrouter/domain/errors';
import { BubblewrapSandbox } from './bubblewrap';
import { findHostTool } from './host-tools';
import type { SandboxProbe } from './sandbox';
import { findToolchains } from './toolchains';

const INSTALL = 'Install it: apt-get install bubblewrap (Debian, Ubuntu), dnf install bubblewrap (Fedora).';
const ALLOW =
  'Allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1, on Ubuntu 24.04 an AppArmor ' +
  'profile for bwrap), or in Docker/Kubernetes use the privileges that docs/sandbox.md lists, or gVisor.';

/** Why a small program does not run in it, or `null`. */
async function whyNot(sandbox: BubblewrapSandbox): Promise<string | null> {
  const language = sandbox.languages.has('bash') ? 'bash' : 'javascript';
  try {
    const { outcome, stderr } = await sandbox.run({ language, argv: ['/usr/bin/true'] });
    return outcome.kind === 'ended' && outcome.exitCode === 0 ? null : stderr.slice(0, 300) || outcome.kind;
  } catch (error) {
    if (error instanceof AcrError) return error.message;
    throw error;
  }
}

/** Opens bubblewrap where it can start something, tried for real; else `sandbox` is `null` and the probe says why. */
export async function tryBubblewrap(): Promise<{ probe: SandboxProbe; sandbox: BubblewrapSandbox | null }> {
  const no = (detail: string, remedy: string) => ({
    probe: { kind: 'bubblewrap' as const, available: false, detail, remedy },
    sandbox: null,
  });
  if (process.platform !== 'linux')
    return no('bubblewrap exists for Linux only', 'Use docker or podman here.');
  const program = findHostTool('bwrap');
  if (program === null) return no('bubblewrap is not installed', INSTALL);
  const toolchains = await findToolchains();
  let sandbox = await BubblewrapSandbox.open(program, true, toolchains);
  const reason = await whyNot(sandbox);
  if (reason !== null) {
    await sandbox.close();
    // Docker and Kubernetes mask parts of /proc, and the kernel then allows no new one.
    sandbox = await BubblewrapSandbox.open(program, false, toolchains);
    if ((await whyNot(sandbox)) !== null) {
      await sandbox.close();
      return no(`bubblewrap does not start: ${reason}`, ALLOW);
    }
  }
  const noProc = reason === null ? '' : '; no /proc inside, since it is masked here';
  const version = await new Promise<string>((resolve) =>
    execFile(program, ['--version'], (_error, stdout: string) => resolve(stdout.trim())),
  );
  const weak = sandbox.cgroups ? '' : '; no writable control groups: memory is limited per process only';
  return {
    probe: { kind: 'bubblewrap', available: true, detail: `${version}${weak}${noProc}`, remedy: '' },
    sandbox,
  };
}
