import type { Program } from '@acrouter/domain/verification/extract';

/** Text of the file that stands for a Python answer in the sandbox of the command; see harness/python/attach.py. */
export const PYTHON_STAND_IN = `exec(compile(open("/judge/acr_harness.py").read(), "/judge/acr_harness.py", "exec"), {})
__import__("sys").modules["acr_harness.attach"].attach(globals())
`;

const RESERVED = new Set(
  'await break case catch class const continue debugger default delete do else enum export extends false finally for function if import in instanceof let new null return static super switch this throw true try typeof var void while with yield exports module require'.split(
    ' ',
  ),
);

/** Names at the top of a JavaScript answer, which static imports of its stand-in must find. */
export function exportedNames(code: string): string[] {
  const found = [
    ...code.matchAll(
      /^[ \t]*(?:export\s+)?(?:default\s+)?(?:async\s+)?(?:function\*?|class|const|let|var)\s+([A-Za-z_$][\w$]*)/gm,
    ),
    ...code.matchAll(/\bexports\.([A-Za-z_$][\w$]*)\s*=/g),
    ...[...code.matchAll(/\bmodule\.exports\s*=\s*\{([^}]{0,5000})\}/g)].flatMap(([, body = '']) => [
      ...body.matchAll(/([A-Za-z_$][\w$]*)\s*(?=[,:(}]|$)/gm),
    ]),
    ...[...code.matchAll(/^[ \t]*export\s*\{([^}]{0,5000})\}/gm)].flatMap(([, body = '']) => [
      ...body.matchAll(/(?:\bas\s+)?([A-Za-z_$][\w$]*)\s*(?=,|$)/gm),
    ]),
  ];
  return [...new Set(found.map((m) => m[1] as string))].filter((name) => !RESERVED.has(name)).slice(0, 500);
}

/** Text of the file that stands for a JavaScript answer, as CommonJS or, by its name or the task's, as an ES module. */
export function scriptStandIn(
  program: Program,
  file: string,
  files: Readonly<Record<string, string>>,
): string {
  const names = exportedNames(program.code);
  const asModule =
    file.endsWith('.mjs') ||
    (file.endsWith('.js') && /"type"\s*:\s*"module"/.test(files['package.json'] ?? ''));
  if (asModule) {
    const head = `import { createRequire } from 'node:module';\nconst answer = createRequire('/judge/')('/judge/script-harness.cjs').attach();\n`;
    return `${head}${names.map((n) => `export const ${n} = answer.${n};\n`).join('')}export default answer.default ?? answer;\n`;
  }
  // Never run; static imports look for such lines.
  const hints = names.map((n) => `  exports.${n} = 0;\n`).join('');
  return `module.exports = require('/judge/script-harness.cjs').attach();\nif (0) {\n${hints}}\n`;
}
