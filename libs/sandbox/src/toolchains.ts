import { execFile } from 'node:child_process';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { SandboxLanguage } from './sandbox';

/** A toolchain found on this machine: what to call, and which folders it needs to be readable. */
export interface Toolchain {
  language: SandboxLanguage;
  /** Absolute path of the main program with links resolved. */
  program: string;
  /** Version as the program prints it. */
  version: string;
  /** Folders beyond the base system (/usr/bin, /usr/lib*) that must be visible, read-only. */
  prefixes: string[];
  /** Environment the toolchain needs inside. */
  env: Record<string, string>;
}

/** Folders of the base system that every sandbox shows read-only. */
export const BASE_FOLDERS = ['/usr/bin', '/usr/lib', '/usr/lib32', '/usr/lib64', '/usr/libexec'];

const inBase = (path: string) =>
  BASE_FOLDERS.some((folder) => path === folder || path.startsWith(`${folder}/`));

/** Output of a host program in a neutral folder, or `null`. Found by the host's PATH, which execFile inherits. */
function ask(program: string, args: string[]): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(program, args, { cwd: '/', timeout: 20_000 }, (error, stdout, stderr) =>
      resolve(error ? null : (stdout || stderr).trim()),
    );
  });
}

const outside = (...paths: string[]) => [...new Set(paths)].filter((p) => existsSync(p) && !inBase(p));

/** Version managers (pyenv) put a shell script in PATH, so the interpreter itself is asked where it lives. */
async function findPython(): Promise<Toolchain | null> {
  const script =
    'import sys,platform;print(sys.executable);print(sys.base_prefix);print(platform.python_version())';
  for (const name of ['python3', '/usr/bin/python3', 'python']) {
    const [executable, prefix, version] = (await ask(name, ['-I', '-c', script]))?.split('\n') ?? [];
    if (!executable || !prefix || !version?.startsWith('3.')) continue;
    const program = realpathSync(executable);
    const prefixes = prefix === '/usr' ? outside(dirname(program)) : outside(prefix, dirname(program));
    return {
      language: 'python',
      program,
      version: `Python ${version}`,
      prefixes: outermost(prefixes),
      env: {},
    };
  }
  return null;
}

/** The Node that runs this process, never another one of the host. */
async function findNode(language: 'javascript' | 'typescript'): Promise<Toolchain> {
  const program = await realpath(process.execPath);
  const prefixes = inBase(program) ? [] : [dirname(program)];
  return { language, program, version: `Node ${process.version}`, prefixes, env: {} };
}

async function findBash(): Promise<Toolchain | null> {
  if (!existsSync('/usr/bin/bash')) return null;
  const version = (await ask('/usr/bin/bash', ['--version']))?.split('\n')[0] ?? 'bash';
  return { language: 'bash', program: '/usr/bin/bash', version, prefixes: [], env: {} };
}

async function findGo(): Promise<Toolchain | null> {
  for (const name of ['go', '/usr/local/go/bin/go']) {
    const root = await ask(name, ['env', 'GOROOT']);
    if (!root || !existsSync(join(root, 'bin/go'))) continue;
    const version = (await ask(name, ['version'])) ?? 'go';
    return {
      language: 'go',
      program: join(realpathSync(root), 'bin/go'),
      version,
      prefixes: outside(realpathSync(root), '/usr/share/go', root),
      env: { GOROOT: realpathSync(root), GOFLAGS: '-mod=mod', GOPROXY: 'off', GOTOOLCHAIN: 'local' },
    };
  }
  return null;
}

async function findJava(): Promise<Toolchain | null> {
  const javac = await ask('sh', ['-c', 'readlink -f "$(command -v javac)"']);
  if (!javac || !existsSync(javac)) return null;
  const home = dirname(dirname(javac));
  const version = (await ask(javac, ['-version'])) ?? 'javac';
  // Debian keeps a JDK's settings in /etc and links to them.
  const settings = readdirSync('/etc').filter((name) => /^java(-\d+.*)?$/.test(name));
  const prefixes = outside(home, ...settings.map((name) => `/etc/${name}`));
  return { language: 'java', program: javac, version, prefixes, env: { JAVA_HOME: home } };
}

async function findRust(): Promise<Toolchain | null> {
  const sysroot = (await ask('rustc', ['--print', 'sysroot'])) ?? '';
  const program = join(sysroot || '/nowhere', 'bin/rustc');
  if (!existsSync(program) || !existsSync('/usr/bin/cc')) return null;
  const version = (await ask(program, ['--version'])) ?? 'rustc';
  return { language: 'rust', program, version, prefixes: outside(realpathSync(sysroot)), env: {} };
}

async function findCpp(): Promise<Toolchain | null> {
  if (!existsSync('/usr/bin/g++')) return null;
  const version = (await ask('/usr/bin/g++', ['--version']))?.split('\n')[0] ?? 'g++';
  return { language: 'cpp', program: '/usr/bin/g++', version, prefixes: outside('/usr/include'), env: {} };
}

/** Drops folders that lie below another one of the list. */
function outermost(folders: string[]): string[] {
  return folders.filter((f) => !folders.some((other) => other !== f && f.startsWith(`${other}/`)));
}

/**
 * Looks for every toolchain, in parallel. A language without one is simply absent: its checks are
 * "unavailable", never "failed".
 */
export async function findToolchains(): Promise<Map<SandboxLanguage, Toolchain>> {
  const found = await Promise.all([
    findPython(),
    findNode('javascript'),
    findNode('typescript'),
    findBash(),
    findGo(),
    findJava(),
    findRust(),
    findCpp(),
  ]);
  return new Map(found.flatMap((toolchain) => (toolchain ? [[toolchain.language, toolchain] as const] : [])));
}
