'use strict';
// Tests written for a test library: `describe`, `test`, `expect` and their like, as far as tests of functions use them.
const util = require('node:util');
const { MATCHERS, asymmetric, explain } = require('./scope.cjs');
const { AnswerDied } = require('./died.cjs');

const HOOKS = ['beforeAll', 'beforeEach', 'afterEach', 'afterAll'];

/** Tests that belong together, with their hooks. */
class Group {
  constructor(parent, only) {
    this.parent = parent;
    this.only = only || (parent?.only ?? false);
    this.hooks = Object.fromEntries(HOOKS.map((kind) => [kind, []]));
    this.started = false;
  }

  /** This group and those around it, the outermost first. */
  get line() {
    return this.parent ? [...this.parent.line, this] : [this];
  }
}

/** What the tests have asked to be run. */
class Collected {
  constructor(assertions) {
    this.assertions = assertions;
    this.tests = [];
    this.group = new Group(null, false);
    this.groups = [this.group];
    /** Fails the test that is running; null when none is. */
    this.interrupt = null;
    /** What `expect` did and is to do in the test that is running. */
    this.expected = { made: 0, exactly: null, some: false };
  }

  add(name, run, { only = false, row = null } = {}) {
    this.tests.push({ name: String(name), run, row, group: this.group, only: only || this.group.only });
  }

  describe(body, only, row) {
    this.group = new Group(this.group, only);
    this.groups.push(this.group);
    try {
      body(...row);
    } finally {
      this.group = this.group.parent;
    }
  }

  hook(kind) {
    return (...args) => void this.group.hooks[kind].push(args.find((a) => typeof a === 'function'));
  }

  /** A library of which only a part is here: using the rest says nothing about the answer. */
  partly(name, library) {
    return new Proxy(library, {
      get: (target, key) => {
        if (typeof key === 'symbol' || key in target || /^(then|toJSON|inspect)$/.test(key))
          return Reflect.get(target, key);
        this.assertions.missing ??= `${name}${key}`;
        throw new Error(`${name}${key} is not supported here`);
      },
    });
  }
}

/** Rows of `each([[1, 2], [3, 4]])` or of a table in a template, as lists of arguments. */
function rowsOf(table, values) {
  if (!Array.isArray(table?.raw)) return table.map((row) => (Array.isArray(row) ? row : [row]));
  const names = table[0].split('|').map((name) => name.trim());
  return values.flatMap((_v, i) =>
    i % names.length === 0 ? [[Object.fromEntries(names.map((name, k) => [name, values[i + k]]))]] : [],
  );
}

/** `describe`, `test`, `expect` and their like; what they are asked to run goes to `collected`. */
function testGlobals(collected, text) {
  const mocking = /\b(jest|vi)\.\w/.test(text)
    ? collected.partly('jest.', require('./mocks.cjs').mocking)
    : null;
  const bodyOf = (rest) => rest.find((a) => typeof a === 'function');
  const nothing = Object.assign(() => undefined, { each: () => () => undefined });
  const adding = (name, put) => {
    const each =
      (only) =>
      (table, ...values) =>
      (title, ...rest) =>
        rowsOf(table, values).forEach((row) => put(title, bodyOf(rest), only, row));
    const only = Object.assign((title, ...rest) => put(title, bodyOf(rest), true), { each: each(true) });
    const plain = (title, ...rest) => put(title, bodyOf(rest), false);
    const parts = { each: each(false), only, skip: nothing, todo: nothing, concurrent: plain };
    return collected.partly(`${name}.`, Object.assign(plain, parts));
  };
  const test = adding('test', (title, run, only, row) => run && collected.add(title, run, { only, row }));
  const describe = adding('describe', (_title, body, only, row = []) => collected.describe(body, only, row));
  const hooks = Object.fromEntries(HOOKS.map((kind) => [kind, collected.hook(kind)]));
  return {
    ...(mocking ? { jest: mocking, vi: mocking } : {}),
    ...{ test, it: test, describe, suite: describe, ...hooks, before: hooks.beforeAll },
    // An answer may define such names where there are no suites.
    ...(/\b(describe|test|it)\b/.test(text)
      ? { fit: test.only, xit: nothing, xtest: nothing, fdescribe: describe.only, xdescribe: nothing }
      : {}),
    ...(/\bdescribe\b/.test(text) ? { context: describe, after: hooks.afterAll } : {}),
    expect: expectOf(collected),
  };
}

/** A test or hook to its end: with `done` where it takes that, and until an error that nobody else catches. */
function toItsEnd(collected, f, row) {
  // `({ expect }) => ...` is vitest's.
  const takesDone = row === null && f.length > 0 && !/^(async\s*)?(function\s*)?\(\s*\{/.test(String(f));
  const itself = { timeout: () => itself, slow: () => itself, retries: () => itself };
  return new Promise((resolve, reject) => {
    const fail = (e) => reject(e instanceof Error ? e : new Error(`done was called with ${util.inspect(e)}`));
    const done = Object.assign((e) => (e ? fail(e) : resolve()), { fail });
    collected.interrupt = reject;
    const given = row ?? [takesDone ? done : { expect: expectOf(collected) }];
    const result = f.apply(itself, given);
    if (takesDone) Promise.resolve(result).then(undefined, reject);
    else resolve(result);
  }).finally(() => (collected.interrupt = null));
}

async function runHooks(collected, kind, groups) {
  for (const group of groups) {
    for (const hook of group.hooks[kind]) await toItsEnd(collected, hook, null);
  }
}

async function runOne(collected, { run, row, group }) {
  collected.expected = { made: 0, exactly: null, some: false };
  const fresh = group.line.filter((g) => !g.started);
  for (const g of fresh) g.started = true;
  await runHooks(collected, 'beforeAll', fresh);
  await runHooks(collected, 'beforeEach', group.line);
  await toItsEnd(collected, run, row);
  const { made, exactly, some } = collected.expected;
  if (exactly !== null && made !== exactly)
    throw new Error(`expected ${exactly} assertions, and there were ${made}`);
  if (some && made === 0) throw new Error('expected assertions, and there was none');
  await runHooks(collected, 'afterEach', [...group.line].reverse());
}

/** Runs the collected tests; `null` when there are none. */
async function runCollected(collected) {
  const only = collected.tests.some((t) => t.only);
  const tests = collected.tests.filter((t) => t.only || !only);
  if (tests.length === 0) return null;
  const failures = [];
  const attempt = async (name, work) => {
    try {
      await work();
    } catch (e) {
      if (e instanceof AnswerDied) throw e;
      failures.push({ test: name.slice(0, 200), ...explain(e) });
    }
  };
  for (const test of tests) await attempt(test.name, () => runOne(collected, test));
  const ran = collected.groups.filter((g) => g.started).reverse();
  const failed = failures.length;
  await attempt('afterAll', () => runHooks(collected, 'afterAll', ran));
  return {
    status: failures.length === 0 ? 'passed' : 'failed',
    passed: tests.length - failed,
    total: tests.length,
    failures: failures.slice(0, 5),
  };
}

/** `expect` with its counts and its places for expected values. */
function expectOf(collected) {
  const expect = (got) => {
    const matchers = (wanted) =>
      collected.partly('expect().', {
        ...Object.fromEntries(
          Object.entries(MATCHERS).map(([name, holds]) => [
            name,
            (...args) => {
              collected.expected.made++;
              collected.assertions.make(() => check(got, name, holds, args, wanted));
            },
          ]),
        ),
        ...(wanted ? { not: matchers(false), ...settledOf(got, expect) } : {}),
      });
    return matchers(true);
  };
  return collected.partly(
    'expect.',
    Object.assign(expect, asymmetric(true), {
      not: asymmetric(false),
      assertions: (n) => void (collected.expected.exactly = n),
      hasAssertions: () => void (collected.expected.some = true),
    }),
  );
}

function check(got, name, holds, args, wanted) {
  if (Boolean(holds(got, ...args)) === wanted) return;
  const shown = [got, ...args].map((v) => util.inspect(v).slice(0, 200));
  throw new Error(`expected ${shown[0]} ${wanted ? '' : 'not '}${name} ${shown.slice(1).join(', ')}`);
}

/** `resolves` and `rejects`. */
function settledOf(got, expect) {
  const after = async (wanted, use) => {
    const outcome = await Promise.resolve(got).then(
      (v) => ['resolves', v],
      (e) => ['rejects', e],
    );
    if (outcome[0] !== wanted) throw new Error(`expected a promise that ${wanted}`);
    return use(outcome[1]);
  };
  const thrower = (e) => () => {
    throw e;
  };
  const settled = (wanted, not) =>
    new Proxy(
      {},
      {
        get: (_t, name) => {
          if (name === 'not') return settled(wanted, true);
          if (typeof name !== 'string' || name === 'then') return undefined;
          return (...args) =>
            after(wanted, (value) => {
              const expected = expect(name.startsWith('toThrow') ? thrower(value) : value);
              return (not ? expected.not : expected)[name](...args);
            });
        },
      },
    );
  return { resolves: settled('resolves', false), rejects: settled('rejects', false) };
}

module.exports = { Collected, runCollected, testGlobals };
