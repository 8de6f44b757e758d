import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AcrError } from '@acrouter/domain/errors';
import type { Sandbox } from '@acrouter/sandbox/sandbox';

/** Modules of the Python harness; each imports only those before it. */
const PYTHON_MODULES = [
  'channel',
  'codec',
  'operations',
  'tests_object',
  'adopted',
  'candidate',
  'candidate_main',
  'remote',
  'sharing',
  'told',
  'judge',
  'scope',
  'surroundings',
  'captured',
  'explain',
  'prepare',
  'collected',
  'examples',
  'checks',
  'attach',
  'main',
];

const read = (...path: string[]) => readFileSync(join(__dirname, 'harness', ...path), 'utf8');
const pythonSources = () => PYTHON_MODULES.map((name) => [name, read('python', `${name}.py`)] as const);

/** Modules of the JavaScript harness, in any order. */
const SCRIPT_MODULES = [
  'died',
  'shared-data',
  'values',
  'talk',
  'tests-object',
  'adopted',
  'surroundings',
  'answer-module',
  'mocks',
  'source',
  'scope',
  'candidate',
  'judge',
  'pipes',
  'candidate-main',
  'connect-judge',
  'test-library',
  'tests-run',
  'examples-run',
  'judge-main',
  'attach',
  'main',
];

let scriptText: string | null = null;

/**
 * The JavaScript harness as one file: its modules as functions of a scope of their own, so that no name of theirs
 * stands in the way of a name of the answer.
 */
export function scriptBundle(): string {
  scriptText ??= `module.exports = ((outer) => {
const defined = {
${SCRIPT_MODULES.map((name) => `${JSON.stringify(`./${name}.cjs`)}(module, require) {\n${read('script', `${name}.cjs`)}}`).join(',\n')}
};
const loaded = {};
const load = (name) => {
  if (!(name in defined)) return outer(name);
  if (!(name in loaded)) {
    loaded[name] = { exports: {} };
    defined[name](loaded[name], load);
  }
  return loaded[name].exports;
};
return load('./main.cjs');
})(require);
`;
  return scriptText;
}

/** Puts a module with a name and its code (or text) where `import` finds it. */
const PYTHON_LOADER = `sys.modules["acr_harness"] = type(sys)("acr_harness")
def _load(name, code):
    module = type(sys)("acr_harness." + name)
    sys.modules[module.__name__] = module
    exec(code, module.__dict__)
`;

/** The Python harness as one file that defines all of its modules, for tests that are run by a command. */
export function pythonBundle(): string {
  const lines = pythonSources().map(
    ([name, text]) =>
      `_load(${JSON.stringify(name)}, compile(${JSON.stringify(text)}, "<acr_harness.${name}>", "exec"))\n`,
  );
  return `import sys\n${PYTHON_LOADER}${lines.join('')}`;
}

/**
 * Takes the harness as bytecode from stdin, exactly its bytes and no more: what follows are tests and token, which
 * must not be in memory before the candidate has been split off.
 */
const PYTHON_START = `import marshal, os, sys
${PYTHON_LOADER}
_left, _parts = int(sys.argv.pop(1)), []
while _left:
    _part = os.read(0, min(_left, 65536))
    if not _part:
        os._exit(70)
    _parts.append(_part)
    _left -= len(_part)
for _name, _code in marshal.loads(b"".join(_parts)):
    _load(_name, _code)
del _parts, _part, _code
sys.modules["acr_harness.main"].main()
`;

const PYTHON_COMPILE = `import json, marshal, sys
modules = json.load(sys.stdin)
print(marshal.dumps([(n, compile(s, f"<acr_harness.{n}>", "exec")) for n, s in modules]).hex(), end="")
`;

const compiled = new WeakMap<Sandbox, Promise<Buffer>>();

/** Compiles the harness once per sandbox, by the very Python that will run it, with nothing else in there. */
async function compile(sandbox: Sandbox): Promise<Buffer> {
  const result = await sandbox.run({
    language: 'python',
    argv: ['{tool}', '-I', '-S', '-B', '-c', PYTHON_COMPILE],
    stdin: JSON.stringify(pythonSources()),
  });
  if (
    result.outcome.kind === 'ended' &&
    result.outcome.exitCode === 0 &&
    /^([0-9a-f]{2})+$/.test(result.stdout)
  )
    return Buffer.from(result.stdout, 'hex');
  const detail = `The harness could not be prepared (${result.outcome.kind}): ${result.stderr.trim().slice(-300)}`;
  throw new AcrError('ACR_SANDBOX_FAULT', detail, { fields: { outcome: result.outcome } });
}

/** Program and first bytes of stdin of a run of the Python harness; its order must follow them. */
export async function pythonStart(
  sandbox: Sandbox,
  mode: string,
): Promise<{ argv: string[]; stdin: Buffer }> {
  const code = compiled.get(sandbox) ?? compile(sandbox);
  compiled.set(sandbox, code);
  try {
    const stdin = await code;
    return { argv: ['{tool}', '-I', '-S', '-B', '-c', PYTHON_START, String(stdin.length), mode], stdin };
  } catch (error) {
    compiled.delete(sandbox);
    throw error;
  }
}
