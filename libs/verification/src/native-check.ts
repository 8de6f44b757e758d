import type { Sandbox, SandboxRequest, SandboxResult } from '@acrouter/sandbox/sandbox';
import type { CheckedLanguage } from '@acrouter/domain/verification/languages';
import { silent, type Finding } from '@acrouter/domain/verification/signals';
import { commandFinding, refusalOf } from './command-check';
import { DEFAULT_CHECK_MS, type Check, type VerifyDependencies } from './check';

/** How a language without a harness is built and run in one sandbox: `build` must succeed, then `run` decides. */
interface Recipe {
  /** File with answer and tests together. */
  file: string;
  build: string;
  run: string | ((tests: string) => string);
  /** Joins both; by default the tests follow the answer. */
  join?: (answer: string, tests: string) => string;
}

type NativeLanguage = Exclude<CheckedLanguage, 'python' | 'javascript' | 'typescript'>;

/** Java allows one public class per file and wants imports first. */
function joinJava(answer: string, tests: string): string {
  const both = `${answer}\n${tests}`.replace(/^package .*;$/gm, '');
  const imports = [...new Set(both.match(/^import .*;$/gm) ?? [])];
  const rest = both
    .replace(/^import .*;$/gm, '')
    .replace(/^public\s+(?=(final |abstract )*(class|interface|enum|record))/gm, '');
  return `${imports.join('\n')}\n${rest}`;
}

/** Runs the first class with a `main`, those of the tests before those of the answer, which may bring one as a demo. */
function runJava(tests: string): string {
  const ofTests = [...tests.matchAll(/\b(?:class|interface|enum|record)\s+(\w+)/g)].map(
    (m) => `${m[1]}.class`,
  );
  return `for c in ${ofTests.join(' ')} *.class; do n=\${c%.class}; javap -cp . "$n" 2>/dev/null | grep -q 'static void main' && exec java -ea -Xss4m -cp . "$n"; done; echo 'no main'; exit 1`;
}

/**
 * Takes back what an answer in Bash may have put in the way of its tests: aliases, traps, and functions with the
 * names of built-ins. In POSIX mode, which an assignment turns on, no function goes before `unset`, `trap` and `exit`.
 */
const BASH_BETWEEN = `POSIXLY_CORRECT=1
\\unset -f unset trap exit set return eval exec export shift source . : break continue readonly times || \\exit 1
\\unset -f [ test unalias builtin command declare echo enable false let local printf read shopt true type || \\exit 1
\\unalias -a
\\trap - EXIT ERR DEBUG RETURN
\\set +o posix
\\unset POSIXLY_CORRECT`;

/**
 * An answer's `main`, with which it shows itself, has another name where the tests bring one. Its NDEBUG and its
 * `assert` are not those of the tests.
 */
function joinCpp(answer: string, tests: string): string {
  const both = [answer, tests].every((text) => /\b(?:int|auto|void)\s+main\s*\(/.test(text));
  const asserts = /\bassert\s*\(/.test(tests) && !/\b(?:void|define)\s+assert\b/.test(tests);
  const [before, after] = both ? ['#define main acr_answer_main\n', '#undef main\n'] : ['', ''];
  return `${before}${answer}\n${after}#undef NDEBUG\n${asserts ? '#include <cassert>\n' : ''}${tests}\n`;
}

const RUST_MAIN = /^([ \t]*(?:pub\s+)?(?:async\s+)?fn\s+)main(?=\s*\()/m;

/** See joinCpp. */
function joinRust(answer: string, tests: string): string {
  const mine = RUST_MAIN.test(tests) ? answer.replace(RUST_MAIN, '$1acr_answer_main') : answer;
  return `${mine}\n${tests}\n`;
}

const RECIPES: Record<NativeLanguage, Recipe> = {
  bash: {
    file: 'program.sh',
    build: 'bash -n program.sh',
    run: 'exec bash program.sh',
    join: (answer, tests) => `${answer}\n${BASH_BETWEEN}\n${tests}\n`,
  },
  cpp: {
    file: 'main.cpp',
    build: 'g++ -std=c++20 -O1 -o /tmp/main main.cpp',
    run: 'exec /tmp/main',
    join: joinCpp,
  },
  rust: {
    file: 'main.rs',
    build: `if grep -q '#\\[test\\]' main.rs; then set -- --test; fi; rustc --edition 2021 -A warnings "$@" -o /tmp/main main.rs`,
    run: 'exec /tmp/main',
    join: joinRust,
  },
  go: {
    file: 'main.go',
    build: `export GOCACHE=/tmp/go GOPATH=/tmp/gopath; printf 'module answer\\n' > go.mod; if grep -q 'func Test' main.go; then mv main.go main_test.go; go vet . ; else go build -o /tmp/main .; fi`,
    run: `export GOCACHE=/tmp/go GOPATH=/tmp/gopath; if [ -x /tmp/main ]; then exec /tmp/main; else exec go test .; fi`,
  },
  java: { file: 'Main.java', build: 'javac -nowarn -d . Main.java', run: runJava, join: joinJava },
};

/** Compilers need more than programs do. */
const BUILD_LIMITS = {
  memoryBytes: 2 * 1024 ** 3,
  diskBytes: 512 * 1024 ** 2,
  fileBytes: 256 * 1024 ** 2,
  processes: 256,
};
const BUILD_MS = 60_000;
const BUILT = 'acr-built';

/**
 * Checks an answer in a language that has no harness: answer and tests are built as one program, which passes by
 * ending with exit code 0. Tests share the process with the answer here; a task that must not be gamed gives a
 * `command` whose tests print what cannot be guessed.
 */
export async function checkNatively(
  check: Check,
  language: CheckedLanguage,
  sandbox: Sandbox,
  deps: VerifyDependencies,
) {
  const recipe = RECIPES[language as NativeLanguage];
  const tests = check.task.verification?.tests ?? null;
  const program = check.programs[0] ?? null;
  const answer = program?.text ?? check.answer;
  const text = tests === null ? answer : (recipe.join ?? ((a, t) => `${a}\n${t}\n`))(answer, tests);
  const runMs = check.task.verification?.timeoutMs ?? DEFAULT_CHECK_MS;
  const run = typeof recipe.run === 'string' ? recipe.run : recipe.run(tests ?? '');
  const script = `(${recipe.build}) 1>&2 || exit 1\nprintf '${BUILT}\\n'\n${tests === null ? 'exit 0' : run}`;
  const request: SandboxRequest = {
    language,
    argv: ['/bin/bash', '-c', script, 'bash'],
    files: { [recipe.file]: text },
    limits: { ...BUILD_LIMITS, wallMs: BUILD_MS + runMs, cpuSeconds: Math.ceil((BUILD_MS + runMs) / 1_000) },
  };
  const result = await sandbox.run(request, deps.signal);
  return {
    findings: findingsOf(result, tests !== null),
    chosen: program,
    ran: true,
    refused: refusalOf(result),
  };
}

function findingsOf(result: SandboxResult, withTests: boolean): Finding[] {
  const built = result.stdout.startsWith(`${BUILT}\n`);
  const evidence = built ? {} : { message: result.stderr.slice(0, 500) };
  const syntax: Finding = refusalOf(result)
    ? silent('syntax', 'refused', 'the sandbox did not start')
    : { kind: 'syntax', status: built ? 'passed' : 'failed', score: built ? 1 : 0, evidence };
  return withTests ? [commandFinding(result, 'none'), syntax] : [syntax];
}
