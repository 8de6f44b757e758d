import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { AcrError } from '@acrouter/domain/errors';
import { runBounded } from './bounded-process';
import { interpret } from './outcome';
import { checkRequest } from './request';
import type { Sandbox, SandboxLanguage, SandboxRequest, SandboxResult } from './sandbox';
import type { Toolchain } from './toolchains';

/**
 * No isolation: a plain child process in a temporary folder with a clean environment and a time limit. Only
 * by an explicit flag; every verdict made with it carries `sandbox: 'unsafe'`.
 */
export class UnsafeSandbox implements Sandbox {
  readonly kind = 'unsafe';
  readonly languages: ReadonlyMap<SandboxLanguage, string>;

  constructor(private readonly toolchains: ReadonlyMap<SandboxLanguage, Toolchain>) {
    this.languages = new Map([...toolchains].map(([language, { version }]) => [language, version]));
  }

  async run(request: SandboxRequest, signal?: AbortSignal): Promise<SandboxResult> {
    const { limits, files } = checkRequest(request, this.languages);
    const toolchain = this.toolchains.get(request.language) as Toolchain;
    const folder = mkdtempSync(join(tmpdir(), 'acr-unsafe-'));
    try {
      for (const [path, text] of files) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), text);
      }
      const [first = '', ...args] = request.argv;
      const path = [...new Set([dirname(toolchain.program), '/usr/local/bin', '/usr/bin', '/bin'])].join(':');
      const result = await runBounded(
        {
          program: first === '{tool}' ? toolchain.program : first,
          args: args.map((word) =>
            word === '{tool}' ? toolchain.program : word.replaceAll('/box/', `${folder}/`),
          ),
          options: {
            cwd: folder,
            env: { PATH: path, HOME: folder, LANG: 'C.UTF-8', ...toolchain.env, ...request.env },
          },
          stdin: request.stdin ?? '',
          extra: [],
          wallMs: limits.wallMs,
          outputBytes: limits.outputBytes,
        },
        signal,
      );
      if (result.startError)
        throw new AcrError('ACR_SANDBOX_FAULT', `The program did not start: ${result.startError}`);
      return interpret(result, { oomKills: 0, forkRefusals: 0, refusal: null });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
