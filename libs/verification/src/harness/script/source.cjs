'use strict';
// The text of an answer or of tests, made to run as a script.

/** Module syntax made script syntax, so that names at the top can be looked up afterwards. */
function asScript(source) {
  return source
    .replace(/^#!.*/, '')
    .replace(/^([ \t]*)export\s+default\s+(?=(async\s+)?function\*?\s+\w|class\s+\w)/gm, '$1')
    .replace(/^([ \t]*)export\s+default\s+/gm, '$1module.exports.default = ')
    .replace(/^([ \t]*)export\s+(?=(async\s+)?(function|class|const|let|var)\b)/gm, '$1')
    .replace(/^[ \t]*export\s*\{[^}]*\}\s*(from\s*['"][^'"]+['"])?\s*;?[ \t]*$/gm, '')
    .replace(/^[ \t]*import\s+\*\s+as\s+(\w+)\s+from\s*(['"][^'"]+['"])\s*;?/gm, 'const $1 = require($2);')
    .replace(/^[ \t]*import\s+(\w+)\s+from\s*(['"][^'"]+['"])\s*;?/gm, 'const $1 = require($2);')
    .replace(
      /^[ \t]*import\s+(\w+)\s*,\s*(\{[^}]*\})\s+from\s*(['"][^'"]+['"])\s*;?/gm,
      (_a, d, n, f) => `const ${d} = require(${f}); const ${n.replace(/\bas\b/g, ':')} = ${d};`,
    )
    .replace(
      /^[ \t]*import\s+(\{[^}]*\})\s+from\s*(['"][^'"]+['"])\s*;?/gm,
      (_a, n, f) => `const ${n.replace(/\s+as\s+/g, ': ')} = require(${f});`,
    )
    .replace(/^[ \t]*import\s*(['"][^'"]+['"])\s*;?/gm, 'require($1);');
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
