import { openSandbox } from '@acrouter/sandbox/open';
import {
  SANDBOX_KINDS,
  type Sandbox,
  type SandboxKind,
  type SandboxLanguage,
} from '@acrouter/sandbox/sandbox';
import { findToolchains } from '@acrouter/sandbox/toolchains';
import { verifyAnswer } from '@acrouter/verification/verify';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { inOrder } from '../in-order';
import { note, print, printJson } from '../output';

interface BenchVerifyOptions {
  rounds: number;
  concurrency: number;
  sandbox?: SandboxKind;
  json?: boolean;
}

/** Medians of one language, ms. */
interface Row {
  language: string;
  bareMs: number;
  sandboxMs: number;
  overheadMs: number;
  /** The first check, which prepares what later ones share. */
  firstMs: number;
  checkMs: number;
  checksPerSecond: number;
}

/** Smallest program of a language, and a task with its right answer. */
const PROGRAMS = {
  python: {
    argv: ['-c', 'print(1)'],
    answer: 'def area(w, h):\n    return w * h',
    tests: 'assert area(3, 4) == 12',
  },
  javascript: {
    argv: ['-e', 'console.log(1)'],
    answer: 'const area = (w, h) => w * h;',
    tests: 'if (area(3, 4) !== 12) throw new Error();',
  },
} satisfies Partial<Record<SandboxLanguage, unknown>>;

/** `acr bench verify` */
export function registerBenchVerify(bench: Command): void {
  bench
    .command('verify')
    .summary('checks per second, and what the sandbox adds to a bare start')
    .description(
      'Starts the same small program bare and in the sandbox, in turns, then runs whole checks.\nOverhead is the difference of the medians of one run.',
    )
    .option('--rounds <n>', 'starts of each kind', count, 30)
    .option('--concurrency <n>', 'checks at once', count, availableParallelism())
    .addOption(new Option('--sandbox <kind>', 'use this back end and no other').choices(SANDBOX_KINDS))
    .option('--json', 'one JSON line per language')
    .action(benchVerify);
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('It must be a whole number above 0.');
  return value;
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

function bareStart(program: string, argv: readonly string[]): Promise<number> {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, { cwd: '/', env: {}, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.resume();
    child.stderr.resume();
    child.on('error', reject);
    child.on('close', () => resolve(performance.now() - startedAt));
  });
}

async function measure(
  sandbox: Sandbox,
  language: keyof typeof PROGRAMS,
  program: string,
  options: BenchVerifyOptions,
): Promise<Row> {
  const { argv, answer, tests } = PROGRAMS[language];
  const bare: number[] = [];
  const boxed: number[] = [];
  for (let i = 0; i < options.rounds; i++) {
    bare.push(await bareStart(program, argv));
    const startedAt = performance.now();
    await sandbox.run({ language, argv: ['{tool}', ...argv] });
    boxed.push(performance.now() - startedAt);
  }
  const checks: number[] = [];
  const check = () =>
    verifyAnswer({ prompt: 'Write area.', language, verification: { tests } }, answer, {
      sandbox,
      token: randomUUID,
    });
  const first = await check();
  const startedAt = performance.now();
  for await (const verdict of inOrder(Array(options.rounds).fill(null), options.concurrency, check)) {
    if (!verdict.passed) note(`A check that must pass did not: ${JSON.stringify(verdict.signals[0])}`);
    checks.push(verdict.durationMs);
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  return {
    language,
    bareMs: median(bare),
    sandboxMs: median(boxed),
    overheadMs: median(boxed) - median(bare),
    firstMs: first.durationMs,
    checkMs: median(checks),
    checksPerSecond: options.rounds / seconds,
  };
}

async function benchVerify(options: BenchVerifyOptions): Promise<void> {
  const sandbox = await openSandbox({ prefer: options.sandbox });
  const toolchains = await findToolchains();
  if (!options.json) {
    print(
      `Sandbox: ${sandbox.kind}; ${options.rounds} rounds, ${options.concurrency} checks at once; medians`,
    );
    print('language      bare ms  sandbox ms  overhead ms  first ms  check ms  checks/s');
  }
  try {
    for (const language of Object.keys(PROGRAMS) as (keyof typeof PROGRAMS)[]) {
      const toolchain = toolchains.get(language);
      if (!toolchain || !sandbox.languages.has(language)) {
        note(`No toolchain for ${language} here.`);
        continue;
      }
      const row = await measure(sandbox, language, toolchain.program, options);
      if (options.json) printJson({ sandbox: sandbox.kind, ...row });
      else {
        const numbers = [
          row.bareMs,
          row.sandboxMs,
          row.overheadMs,
          row.firstMs,
          row.checkMs,
          row.checksPerSecond,
        ];
        const widths = [7, 10, 11, 8, 8, 8];
        print(
          `${language.padEnd(12)}  ${numbers.map((n, i) => n.toFixed(1).padStart(widths[i] ?? 8)).join('  ')}`,
        );
      }
    }
  } finally {
    await sandbox.close();
  }
}
