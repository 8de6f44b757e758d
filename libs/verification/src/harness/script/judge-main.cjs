'use strict';
// One order of checks: tests, then examples of the prompt, then the report.
const { putAdditions } = require('./adopted.cjs');
const { answerModule, requireOf } = require('./answer-module.cjs');
const { connectJudge } = require('./connect-judge.cjs');
const { runExamples } = require('./examples-run.cjs');
const { explain } = require('./scope.cjs');
const { Surroundings } = require('./surroundings.cjs');
const { runTests } = require('./tests-run.cjs');
const { AnswerDied } = require('./died.cjs');

const MAX_PRINTED = 2000;

/** State of the one order that this process is for. */
class Run {
  constructor(judge, kinds, order) {
    this.judge = judge;
    this.kinds = kinds;
    this.order = order;
    this.report = { chosen: null, checks: {}, printed: '' };
    this.realWrite = process.stdout.write.bind(process.stdout);
    this.realExit = process.reallyExit.bind(process);
    this.current = null;
    this.began = 0;
    // Errors of the tests' own imports; the answer's errors are made anew on our side and so are never in here.
    this.missing = new WeakSet();
    this.locals = {
      require: requireOf((name) => this.requireForTests(name)),
      module: { exports: {} },
      exports: {},
    };
    /** What a test library gives to tests that import it. */
    this.library = {};
    const { tests } = order;
    if (tests !== null && kinds.includes('tests')) judge.surroundings = new Surroundings(tests);
    this.localRequire = require('node:module').createRequire('/box/tests.js');
  }

  begin(kind) {
    this.current = kind;
    this.began = performance.now();
  }

  done(kind, result) {
    result.ms = Math.round((performance.now() - this.began) * 10) / 10;
    this.report.checks[kind] ??= result;
  }

  finish() {
    this.realWrite(`\n${this.order.token}${JSON.stringify(this.report)}\n`, () => this.realExit(0));
  }

  /** The answer's process is gone, or the check itself broke: nothing more can be learnt. */
  died(e) {
    const result =
      e instanceof AnswerDied ? { status: 'died', message: e.message } : { status: 'failed', ...explain(e) };
    if (this.current) this.done(this.current, result);
    this.finish();
  }

  guard(work) {
    try {
      return work();
    } catch (e) {
      this.died(e);
    }
  }

  /** What the tests print goes into the report, and little of it. */
  capture() {
    process.stdout.write = (text, encoding, done) => {
      (typeof encoding === 'function' ? encoding : done)?.();
      const { printed } = this.report;
      this.report.printed = printed + String(text).slice(0, MAX_PRINTED - printed.length);
      return true;
    };
  }

  requireForTests(name) {
    // There are no files beside the tests, so whatever they mean by a path is the answer.
    if (/^\.{1,2}\//.test(name) || /^(answer|solution|submission)$/.test(name))
      return answerModule(this.judge);
    if (/^(vitest|@jest\/globals|mocha|bun:test)$/.test(name)) return this.library;
    try {
      const module = this.localRequire(name);
      this.judge.surroundings?.watch(name, module);
      const asserts = /^(node:)?assert(\/strict)?$/.test(name);
      return asserts ? this.judge.assertions.counting(module) : module;
    } catch (e) {
      if (e.code === 'MODULE_NOT_FOUND') this.missing.add(e);
      throw e;
    }
  }

  /** Loads and runs the answer. Returns a result when that already decides, else null. */
  prepare() {
    const { programs, entry, typescript } = this.order;
    const loaded = this.judge.ask({ op: 'load', programs, entry, typescript });
    if (!('ok' in loaded)) {
      const message = String(loaded.syntax ?? loaded.unfit).slice(0, 500);
      return { status: 'syntax' in loaded ? 'syntax' : 'unfit', message };
    }
    this.report.chosen = loaded.ok;
    if (this.kinds.includes('syntax')) return { status: 'passed' };
    try {
      const { additions } = this.judge.ask({ op: 'run' });
      if (typeof this.order.tests === 'string') putAdditions(this.judge, additions, this.order.tests);
    } catch (e) {
      if (e instanceof AnswerDied) throw e;
      return { status: 'crashed', ...explain(e) };
    }
    return null;
  }

  /** A check that was over before it began is so for every kind. */
  endAll(verdict) {
    for (const kind of this.kinds) {
      const status = kind === 'syntax' && verdict.status !== 'passed' ? 'failed' : verdict.status;
      this.done(kind, { ...verdict, status });
    }
    this.finish();
  }

  start() {
    this.begin(this.kinds[0]);
    const verdict = this.prepare();
    if (verdict) return this.endAll(verdict);
    const rest = () =>
      this.guard(() => {
        if (this.kinds.includes('examples')) runExamples(this);
        this.finish();
      });
    if (this.kinds.includes('tests')) runTests(this, rest);
    else rest();
  }
}

function judgeMain(kinds) {
  const fs = require('node:fs');
  let run = null;
  const pipes = '/tmp/.acr-pipes';
  const judge = connectJudge(pipes, (e) => run?.died(e));
  for (const name of 'qp') fs.unlinkSync(`${pipes}/${name}`);
  fs.rmdirSync(pipes);
  run = new Run(judge, kinds, JSON.parse(fs.readFileSync(0, 'utf8')));
  fs.writeSync(1, `\n${run.order.token}begin\n`);
  run.capture();
  run.guard(() => run.start());
}

module.exports = { judgeMain };
