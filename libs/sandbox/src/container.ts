import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { AcrError } from '@acrouter/domain/errors';
import { runBounded } from './bounded-process';
import { interpret } from './outcome';
import { checkRequest } from './request';
import type {
  Sandbox,
  SandboxLanguage,
  SandboxLimits,
  SandboxProbe,
  SandboxRequest,
  SandboxResult,
} from './sandbox';

/** Images by language and the main program in each; pulled by the user, never by us. */
export const IMAGES: Partial<Record<SandboxLanguage, { image: string; program: string }>> = {
  python: { image: 'python:3.12-slim', program: 'python3' },
  javascript: { image: 'node:24-slim', program: 'node' },
  typescript: { image: 'node:24-slim', program: 'node' },
  bash: { image: 'python:3.12-slim', program: 'bash' },
  go: { image: 'golang:1.24', program: 'go' },
  java: { image: 'eclipse-temurin:21', program: 'javac' },
  rust: { image: 'rust:1-slim', program: 'rustc' },
  cpp: { image: 'gcc:14', program: 'g++' },
};

/** The engine's client and what it can do. */
export interface Engine {
  client: string;
  /** gVisor, when the engine has it. */
  runtime: 'runsc' | null;
}

const NOBODY = '65534:65534';
/** Starting a container takes a while of its own; the program still has `wallMs`. */
const START_ALLOWANCE_MS = 5_000;

function ask(client: string, args: string[]): Promise<string | null> {
  return new Promise((resolve) =>
    execFile(client, args, { timeout: 10_000 }, (error, stdout) => resolve(error ? null : stdout.trim())),
  );
}

/** The first engine that answers. Clients are found by the host's PATH. */
export async function findEngine(clients: readonly string[] = ['docker', 'podman']): Promise<Engine | null> {
  for (const client of clients) {
    const runtimes = await ask(client, ['info', '--format', '{{json .Runtimes}}']);
    if (runtimes === null) {
      if ((await ask(client, ['ps', '-q'])) !== null) return { client, runtime: null };
      continue;
    }
    return { client, runtime: runtimes.includes('"runsc"') ? 'runsc' : null };
  }
  return null;
}

/** Arguments of one run. Pure. `folder` is the host folder with the request's files. */
export function containerArgs(
  engine: Engine,
  run: {
    name: string;
    image: string;
    folder: string;
    mounts: readonly { from: string; to: string }[];
    argv: string[];
    env: Record<string, string>;
  },
  limits: SandboxLimits,
): string[] {
  const tmpfs = (path: string) => [
    '--tmpfs',
    // podman knows no nr_inodes.
    `${path}:rw,nosuid,nodev,size=${limits.diskBytes},mode=1777,exec${engine.client === 'docker' ? `,nr_inodes=${limits.files}` : ''}`,
  ];
  return [
    'run',
    '--rm',
    '--interactive',
    '--init',
    '--name',
    run.name,
    '--pull',
    'never',
    '--network',
    'none',
    '--read-only',
    '--cap-drop',
    'ALL',
    '--security-opt',
    'no-new-privileges',
    '--user',
    NOBODY,
    '--ipc',
    'private',
    '--hostname',
    'sandbox',
    '--memory',
    String(limits.memoryBytes),
    '--memory-swap',
    String(limits.memoryBytes),
    '--cpus',
    '1',
    '--pids-limit',
    String(limits.processes + 2),
    '--ulimit',
    `fsize=${limits.fileBytes}`,
    '--ulimit',
    `nofile=${limits.openFiles}`,
    '--ulimit',
    `cpu=${limits.cpuSeconds}:${limits.cpuSeconds + 1}`,
    '--ulimit',
    'core=0',
    ...tmpfs('/box'),
    ...tmpfs('/tmp'),
    '--workdir',
    '/box',
    '--volume',
    `${run.folder}:/in:ro`,
    ...run.mounts.flatMap(({ from, to }) => ['--volume', `${from}:${to}:ro`]),
    ...(engine.runtime ? ['--runtime', engine.runtime] : []),
    ...Object.entries({ HOME: '/box', ...run.env }).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    run.image,
    'sh',
    '-c',
    'cp -R /in/. /box/ && exec "$@"',
    'sh',
    ...run.argv,
  ];
}

/** One container per run, by docker or podman on this host; gVisor's runtime where the engine has it. */
export class ContainerSandbox implements Sandbox {
  readonly kind = 'container';
  constructor(
    private readonly engine: Engine,
    readonly languages: ReadonlyMap<SandboxLanguage, string>,
  ) {}

  async run(request: SandboxRequest, signal?: AbortSignal): Promise<SandboxResult> {
    const { limits, files } = checkRequest(request, this.languages);
    const { image, program } = IMAGES[request.language] as { image: string; program: string };
    const folder = mkdtempSync(join(tmpdir(), 'acr-container-'));
    const name = `acr-${randomUUID()}`;
    try {
      for (const [path, text] of files) {
        mkdirSync(dirname(join(folder, path)), { recursive: true, mode: 0o755 });
        writeFileSync(join(folder, path), text, { mode: 0o644 });
      }
      const argv = request.argv.map((word) => (word === '{tool}' ? program : word));
      const run = { name, image, folder, mounts: request.mounts ?? [], argv, env: { ...request.env } };
      const result = await runBounded(
        {
          program: this.engine.client,
          args: containerArgs(this.engine, run, limits),
          options: {},
          stdin: request.stdin ?? '',
          extra: [],
          wallMs: limits.wallMs + START_ALLOWANCE_MS,
          outputBytes: limits.outputBytes,
          kill: (child) => execFile(this.engine.client, ['kill', name], () => child.kill('SIGKILL')),
        },
        signal,
      );
      // 125: the engine itself failed. 137 without our doing: the kernel's memory killer.
      const fault = result.startError ?? (result.exitCode === 125 ? result.stderr.slice(0, 500) : null);
      if (fault !== null && result.stopped === null)
        throw new AcrError(
          'ACR_SANDBOX_FAULT',
          `${this.engine.client} did not start the container: ${fault}`,
        );
      const oomKills = result.exitCode === 137 && result.stopped === null ? 1 : 0;
      return interpret(result, { oomKills, forkRefusals: 0, refusal: null });
    } finally {
      await ask(this.engine.client, ['rm', '--force', name]);
      rmSync(folder, { recursive: true, force: true });
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

async function presentLanguages(engine: Engine): Promise<Map<SandboxLanguage, string>> {
  const found = await Promise.all(
    Object.entries(IMAGES).map(async ([language, { image }]) =>
      (await ask(engine.client, ['image', 'inspect', '--format', '{{.Id}}', image])) === null
        ? []
        : [[language as SandboxLanguage, image] as const],
    ),
  );
  return new Map(found.flat());
}

/** Whether an engine answers and has at least one of the images. */
export async function probeContainer(): Promise<SandboxProbe> {
  const no = (detail: string, remedy: string) => ({
    kind: 'container' as const,
    available: false,
    detail,
    remedy,
  });
  const engine = await findEngine();
  if (!engine) return no('neither docker nor podman answers', 'Start one, or install bubblewrap instead.');
  const languages = await presentLanguages(engine);
  if (languages.size === 0) {
    return no(
      `${engine.client} has none of the images`,
      `${engine.client} pull python:3.12-slim node:24-slim`,
    );
  }
  const detail = `${engine.client}${engine.runtime ? ' with gVisor' : ''}: ${[...languages.keys()].join(', ')}`;
  return { kind: 'container', available: true, detail, remedy: '' };
}

/** Opens what `probeContainer` found, or `null` when it has gone. */
export async function openContainer(): Promise<ContainerSandbox | null> {
  const engine = await findEngine();
  return engine ? new ContainerSandbox(engine, await presentLanguages(engine)) : null;
}
