import { AcrError } from '@acrouter/domain/errors';
import { tryBubblewrap } from './bubblewrap-probe';
import { openContainer, probeContainer } from './container';
import { QuickjsSandbox } from './quickjs';
import type { Sandbox, SandboxKind, SandboxProbe } from './sandbox';
import { findToolchains } from './toolchains';
import { UnsafeSandbox } from './unsafe';

export interface OpenSandboxOptions {
  /** Use this back end or none. Default: the best one that works (bubblewrap, container, quickjs). */
  prefer?: SandboxKind;
  /** Lets `prefer: 'unsafe'` run code bare, and uses it when nothing else works. Default false. */
  allowUnsafe?: boolean;
}

interface Candidate {
  probe: SandboxProbe;
  sandbox: Sandbox | null;
}

async function tryContainer(): Promise<Candidate> {
  const probe = await probeContainer();
  return { probe, sandbox: probe.available ? await openContainer() : null };
}

async function tryKind(kind: SandboxKind, allowUnsafe: boolean): Promise<Candidate> {
  switch (kind) {
    case 'bubblewrap':
      return tryBubblewrap();
    case 'container':
      return tryContainer();
    case 'quickjs':
      return {
        probe: { kind, available: true, detail: 'plain JavaScript only, in WebAssembly', remedy: '' },
        sandbox: new QuickjsSandbox(),
      };
    case 'unsafe':
      return {
        probe: {
          kind,
          available: allowUnsafe,
          detail: allowUnsafe ? 'NO ISOLATION: code runs with the rights of this process' : 'not allowed',
          remedy: allowUnsafe ? '' : 'Pass --unsafe, on a machine that you can afford to lose.',
        },
        sandbox: allowUnsafe ? new UnsafeSandbox(await findToolchains()) : null,
      };
  }
}

/**
 * Which back ends work on this machine, each tried for real, best first, with the reason and the remedy for
 * those that do not. Opens nothing that stays open.
 */
export async function probeSandboxes(): Promise<SandboxProbe[]> {
  const probes: SandboxProbe[] = [];
  for (const kind of ['bubblewrap', 'container', 'quickjs'] as const) {
    const { probe, sandbox } = await tryKind(kind, false);
    await sandbox?.close();
    probes.push(probe);
  }
  return probes;
}

/**
 * Opens the best back end that works, or the preferred one and no other.
 * @throws AcrError ACR_SANDBOX_UNAVAILABLE with the reason and the remedy of every back end tried.
 */
export async function openSandbox(options: OpenSandboxOptions = {}): Promise<Sandbox> {
  const allowUnsafe = options.allowUnsafe ?? false;
  const order: SandboxKind[] = options.prefer
    ? [options.prefer]
    : ['bubblewrap', 'container', ...(allowUnsafe ? (['unsafe'] as const) : []), 'quickjs'];
  const tried: SandboxProbe[] = [];
  for (const kind of order) {
    const { probe, sandbox } = await tryKind(kind, allowUnsafe);
    if (sandbox) return sandbox;
    tried.push(probe);
  }
  const detail = tried.map((p) => `${p.kind}: ${p.detail}. ${p.remedy}`.trim()).join('\n');
  throw new AcrError('ACR_SANDBOX_UNAVAILABLE', `No sandbox can run checks on this machine.\n${detail}`, {
    fields: { tried },
  });
}
