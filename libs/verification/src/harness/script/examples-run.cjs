'use strict';
// Examples of the prompt.
const util = require('node:util');
const { explain, same, scopeOf } = require('./scope.cjs');
const { AnswerDied } = require('./died.cjs');

/** The value that an example shows; Python's constants are understood. Throws what the parser says. */
function wanted(example) {
  const text = example.want
    .replace(/\bTrue\b/g, 'true')
    .replace(/\bFalse\b/g, 'false')
    .replace(/\bNone\b/g, 'null');
  return new Function(`return (${text}\n);`)();
}

/** `null` when the example comes out as shown, else what came instead. */
function contradiction(example, want, evaluate) {
  try {
    const value = evaluate(example.source);
    return same(value, want, util) ? null : util.inspect(value).slice(0, 200);
  } catch (e) {
    if (e instanceof AnswerDied) throw e;
    return explain(e).message.slice(0, 200);
  }
}

function runExamples(run) {
  run.begin('examples');
  const scope = scopeOf(run.judge, run.locals);
  const evaluate = (code) => new Function('__scope', `with (__scope) { return (${code}\n); }`)(scope);
  let passed = 0;
  const failures = [];
  for (const example of run.order.examples) {
    let want;
    try {
      want = wanted(example);
    } catch {
      continue;
    }
    const got = contradiction(example, want, evaluate);
    if (got === null) passed++;
    else failures.push({ source: example.source.slice(0, 200), want: example.want.slice(0, 200), got });
  }
  const total = passed + failures.length;
  const status = failures.length === 0 ? 'passed' : 'failed';
  run.done(
    'examples',
    total === 0 ? { status: 'empty' } : { status, passed, total, failures: failures.slice(0, 5) },
  );
  run.current = null;
}

module.exports = { runExamples };
