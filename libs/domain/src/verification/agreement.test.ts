import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { seededRandom } from '../seeded-random';
import { agreementOf, distinctOpinions } from './agreement';
import { probesFor, type ProbedLanguage } from './probe-inputs';

test('distinctOpinions: one model that says the same again is one opinion', () => {
  const of = (model: string, answer: string, name = '') => ({ model, answer, name });
  const own = of('m', 'return 1\n');
  const others = [
    of('m', '\nreturn 1', 'as its own'),
    of('n', 'return 1', 'another model'),
    of('n', 'return 1\n\n', 'the same again'),
    of('m', 'return 2', 'another text'),
    of('m', 'return  1', 'not the same text'),
  ];
  expect(distinctOpinions(own, others).map((o) => o.name)).toEqual([
    'another model',
    'another text',
    'not the same text',
  ]);
  expect(distinctOpinions(own, [own, own])).toEqual([]);
});

describe('agreementOf', () => {
  test('the mean share of inputs with the same result', () => {
    expect(
      agreementOf(
        ['a', 'b', 'c'],
        [
          ['a', 'b', 'x'],
          ['x', 'x', 'x'],
        ],
      ),
    ).toEqual({
      share: 1 / 3,
      withEach: [2 / 3, 0],
      inputs: [0, 1, 2],
    });
  });

  test('leaves out inputs that nobody accepts and results that cannot be compared', () => {
    expect(agreementOf(['!e', '?', '!e', 'c'], [['!e', '?', 'x', 'c']])).toMatchObject({
      share: 0.5,
      inputs: [2, 3],
    });
    expect(agreementOf(['!e', '?'], [['!e', 'x']])).toBeNull();
    expect(agreementOf(['a'], [])).toBeNull();
  });

  test('is a share, 1 for answers that are the same', () => {
    const digests = fc.array(fc.constantFrom('a', 'b', '!e', '?'), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(digests, fc.array(digests), (own, others) => {
        const found = agreementOf(own, others);
        if (found) expect(found.share >= 0 && found.share <= 1).toBe(true);
        const alike = agreementOf(own, [own, own]);
        if (alike) expect(alike.share).toBe(1);
      }),
    );
  });
});

describe('probesFor', () => {
  const probes = (language: ProbedLanguage, texts: string[], code: string[]) =>
    probesFor(language, 'f', texts, code, seededRandom(1));

  test('calls that prompt and tests make with plain values', () => {
    const prompt = 'Write f.\n>>> f([1, 2], k=3)\n6\nor f(x) in general; def f(a, b): ...';
    expect(probes('python', [prompt, 'assert candidate("a)") == 1'], [])).toEqual([
      'f([1, 2], k=3)',
      'f("a)")',
    ]);
  });

  test.each([
    ['python', 'def f(n: int, s: str) -> bool:', 'f(0, "")'],
    ['python', 'def f(a: List[int], b: float = 1.0, *, c: bool):', 'f([], True)'],
    ['python', 'async def f(d: Dict[str, int]):', 'f({})'],
    ['python', 'def f(t: Tuple[int, str], o: Optional[int]):', /^f\(\(-?\d+, "[^"]*",\), -?\d+\)$/],
    ['typescript', 'function f(a: number[], s?: string): number {', 'f([])'],
    ['typescript', 'const f = (a: Array<string>, b: boolean): void => {', 'f([], true)'],
  ] as const)('made-up calls for %s: %s', (language, signature, first) => {
    const made = probes(language, [], ['no signature here', signature]);
    expect(made.length).toBeGreaterThan(1);
    expect(made.length).toBeLessThanOrEqual(16);
    if (typeof first === 'string') expect(made[0]).toBe(first);
    else expect(made[0]).toMatch(first);
  });

  test.each([
    ['python', 'def f(a, b: int):'],
    ['python', 'def f(a: Tree):'],
    ['python', 'def f(*args: int):'],
    ['python', 'def f():'],
    ['python', 'def g(a: int):'],
    ['python', 'def f(a: Callable[[int], int]):'],
    ['javascript', 'function f(a) {'],
    ['typescript', 'function f(a: Tree) {'],
    ['typescript', 'function f(a: (x: number) => number) {'],
  ] as const)(
    'nothing is made up where a type is not declared or not simple: %s: %s',
    (language, signature) => {
      expect(probes(language, [], [signature])).toEqual([]);
    },
  );

  test('any text is searched without an exception', () => {
    const text = fc.array(
      fc.oneof(fc.string(), fc.constantFrom('f(', 'def f(', '[', ')', ': int', ',', '"')),
    );
    fc.assert(
      fc.property(text, (parts) => {
        expect(probes('python', [parts.join('')], [parts.join(' ')]).length).toBeLessThanOrEqual(16);
        probes('typescript', [], [parts.join('')]);
      }),
    );
  });
});
