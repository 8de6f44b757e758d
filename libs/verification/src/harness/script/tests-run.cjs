'use strict';
// The given tests.
const { explain, scopeOf } = require('./scope.cjs');
const { asScript, withoutTypes } = require('./source.cjs');
const { notCarried } = require('./surroundings.cjs');
const { Collected, runCollected, testGlobals } = require('./test-library.cjs');
const { AnswerDied } = require('./died.cjs');

/** Turns of the event loop that test libraries get for their last work. */
const LAST_ROUNDS = 4;
/** How long collected tests wait for what the answer still does when they are over, ms. */
const QUIET_MS = 1_000;
/** Milliseconds per second of the time limit in which an answer's timers may keep the tests waiting. */
const STAY_SHARE = 600;

/** Runs the tests of an order to their end, then calls `after` once. */
function runTests(run, after) {
  run.begin('tests');
  const before = run.judge.asked;
  const { assertions, link } = run.judge;
  assertions.loaded ||= /(?<!function\s+)\bexpect\s*\(/.test(run.order.tests);
  link.stayMs = Math.min(link.stayMs, run.order.seconds.tests * STAY_SHARE);
  const settle = (result) => {
    if (run.report.checks.tests) return;
    run.done('tests', worthOf(run, result, before));
    run.current = null;
    after();
  };
  const collected = new Collected(assertions);
  const failed = (e) => {
    if (e instanceof AnswerDied) return run.died(e);
    if (collected.interrupt) return collected.interrupt(e);
    const broken = run.missing.has(e) ? `the tests do not run: ${e.message.split('\n')[0]}` : null;
    settle(broken ? { status: 'empty', message: broken } : { status: 'failed', ...explain(e) });
  };
  const ended = watchEnd(run, settle, failed);
  const collect = testGlobals(collected, run.order.tests);
  // An answer may be a function of such a name itself.
  delete collect[run.order.entry];
  run.library = { ...collect };
  console.assert = (holds, ...message) =>
    assertions.make(() => {
      if (!holds) throw new Error(['Assertion failed', ...message].map(String).join(' '));
    });
  try {
    const f = compiled(run.order);
    if (typeof f === 'string') return settle({ status: 'empty', message: f });
    f(scopeOf(run.judge, { ...collect, ...run.locals }))
      .then(() => runCollected(collected))
      .then(async (result) => {
        if (!result) return ended();
        await link.quiet(QUIET_MS);
        settle(result);
      })
      .catch(failed);
  } catch (e) {
    failed(e);
  }
}

/** What a result says about the answer: nothing where the tests did not get to it. `before`: questions before them. */
function worthOf(run, result, before) {
  const { judge, order } = run;
  const { missing } = judge.assertions;
  const beyond = missing || result.status === 'failed' ? notCarried(order.tests) : null;
  if (beyond !== null) {
    const reason = `the tests use ${beyond}, which does not reach the answer: it runs in a process of its own`;
    return { status: 'empty', message: `${reason}: give a command with "isolation": "shared"` };
  }
  if (missing) return { status: 'empty', message: `the tests do not run: ${missing} is not supported here` };
  if (result.status !== 'passed') return result;
  if (judge.asked === before) return { status: 'empty', message: 'the tests checked nothing of the answer' };
  return judge.assertions.objection(order.tests, explain) ?? result;
}

/** The tests as a function of their scope, or why they are none. */
function compiled(order) {
  try {
    const tests = order.typescript ? order.tests.replace(/^import type .*$/gm, '') : order.tests;
    const text = `(async function () {\n${asScript(tests, true)}\n})`;
    const body = order.typescript ? withoutTypes(text).trim().replace(/;$/, '') : text;
    return new Function('__scope', `with (__scope) { return ${body}(); }\n//# sourceURL=tests.js`);
  } catch (e) {
    return `the tests do not parse: ${e.message}`;
  }
}

/** Notices every way in which tests can end. Returns what to call when their own code has come to its end. */
function watchEnd(run, settle, failed) {
  process.exit = (code) => {
    const right = (code ?? process.exitCode ?? 0) === 0;
    const why = right ? {} : { message: `the tests ended with exit code ${code}` };
    settle({ status: right ? 'passed' : 'failed', ...why });
    throw new Error('the tests are over');
  };
  process.on('uncaughtException', failed);
  process.on('unhandledRejection', failed);
  let ended = false;
  // Test libraries do their last work in this event too, after us, so we let it come round a few times.
  let rounds = 0;
  process.on('beforeExit', () => {
    if (run.report.checks.tests) return;
    if (++rounds < LAST_ROUNDS) return void setTimeout(() => undefined, 0);
    if (!ended) settle({ status: 'failed', message: 'the tests wait for something that never happens' });
    else if (process.exitCode)
      settle({ status: 'failed', message: `the tests ended with exit code ${process.exitCode}` });
    else settle({ status: 'passed' });
  });
  return () => (ended = true);
}

module.exports = { runTests };
