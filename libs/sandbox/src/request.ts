import { AcrError } from '@acrouter/domain/errors';
import {
  DEFAULT_SANDBOX_LIMITS,
  type SandboxLanguage,
  type SandboxLimits,
  type SandboxRequest,
} from './sandbox';

/** Files per request; each takes a descriptor while the sandbox starts. */
export const MAX_FILES = 200;

/** A relative path that stays in its folder and that every tool of the chain can take as an argument. */
export function isSafePath(path: string): boolean {
  const parts = path.split('/');
  return (
    path.length > 0 &&
    path.length <= 4_000 &&
    !path.includes('\0') &&
    parts.every((p) => p && p !== '.' && p !== '..')
  );
}

/** Fills in default limits and refuses what no back end could do safely. */
export function checkRequest(
  request: SandboxRequest,
  languages: ReadonlyMap<SandboxLanguage, string>,
): { limits: SandboxLimits; files: [string, string][] } {
  const refuse = (detail: string) => new AcrError('ACR_INVALID_REQUEST', detail);
  if (!languages.has(request.language)) throw refuse(`No toolchain for ${request.language} in this sandbox`);
  if (request.argv.length === 0) throw refuse('A sandbox request needs a program');
  if (request.argv.some((word) => word.includes('\0'))) throw refuse('An argument contains a NUL character');
  const files = Object.entries(request.files ?? {});
  if (files.length > MAX_FILES) throw refuse(`At most ${MAX_FILES} files per check, got ${files.length}`);
  const bad = files.find(([path]) => !isSafePath(path));
  if (bad) throw refuse(`The path ${JSON.stringify(bad[0])} leaves its folder`);
  const limits = { ...DEFAULT_SANDBOX_LIMITS, ...request.limits };
  const bytes = files.reduce((sum, [, text]) => sum + Buffer.byteLength(text), 0);
  if (bytes > limits.diskBytes)
    throw refuse(`The files of the check have ${bytes} bytes; its folder holds ${limits.diskBytes}`);
  return { limits, files };
}
