'use strict';
// The text of an answer or of tests, made to run as a script.

const FROM = String.raw`\s*from\s*(['"][^'"]+['"])\s*;?`;
const clause = (names) => new RegExp(`^([ \\t]*)import\\s+${names}${FROM}`, 'gm');
const taken = (names) =>
  names
    .split(',')
    .filter((n) => !/^[\s{]*type\s+\w/.test(n))
    .join(',')
    .replace(/\s+as\s+/g, ': ')
    .replace(/^(?!\s*\{)/, '{')
    .replace(/(?<!\})\s*$/, '}');

/** Imports as calls of `require`; those of tests say which are default imports, as the answer may export anything. */
function withoutImports(source, tests) {
  const standard = (name, from) => (tests ? `require.default(${from}, '${name}')` : `require(${from})`);
  const plain = source
    .replace(/^[ \t]*import\s+type\s[^;'"]*from\s*['"][^'"]+['"]\s*;?/gm, '')
    .replace(clause('\\*\\s+as\\s+(\\w+)'), (_a, s, n, f) => `${s}const ${n} = require(${f});`)
    .replace(clause('(\\w+)'), (_a, s, n, f) => `${s}const ${n} = ${standard(n, f)};`)
    .replace(
      clause('(\\w+)\\s*,\\s*\\*\\s+as\\s+(\\w+)'),
      (_a, s, d, n, f) => `${s}const ${d} = ${standard(d, f)}; const ${n} = require(${f});`,
    )
    .replace(
      clause('(\\w+)\\s*,\\s*(\\{[^}]*\\})'),
      (_a, s, d, n, f) => `${s}const ${d} = ${standard(d, f)}; const ${taken(n)} = require(${f});`,
    )
    .replace(clause('(\\{[^}]*\\})'), (_a, s, n, f) => `${s}const ${taken(n)} = require(${f});`)
    .replace(/^[ \t]*import\s*(['"][^'"]+['"])\s*;?/gm, 'require($1);');
  return tests ? plain.replace(/(?<![\w.$])import\s*\(/g, 'require.dynamic(') : plain;
}

/** Module syntax made script syntax, so that names at the top can be looked up afterwards. */
function asScript(source, tests = false) {
  const script = source
    .replace(/^#!.*/, '')
    .replace(/^([ \t]*)export\s+default\s+(?=(async\s+)?function\*?\s+\w|class\s+\w)/gm, '$1')
    .replace(/^([ \t]*)export\s+default\s+/gm, '$1module.exports.default = ')
    .replace(/^([ \t]*)export\s+(?=(async\s+)?(function|class|const|let|var)\b)/gm, '$1')
    .replace(/^[ \t]*export\s*\{[^}]*\}\s*(from\s*['"][^'"]+['"])?\s*;?[ \t]*$/gm, '');
  return withoutImports(script, tests);
}

/** TypeScript as JavaScript, by Node's own stripper; throws what the parser says. */
function withoutTypes(source) {
  process.removeAllListeners('warning');
  return require('node:module').stripTypeScriptTypes(source, { mode: 'transform' });
}

function defines(program, name) {
  const n = name.replace(/\$/g, '\\$');
  return new RegExp(
    `(?:function\\*?|class|const|let|var)\\s+${n}(?![\\w$])|(?:^|[\\s.,{])${n}\\s*[=:(,}]|\\b${n}\\s*=`,
    'm',
  ).test(program);
}

module.exports = { asScript, defines, withoutTypes };
