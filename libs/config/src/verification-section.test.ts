import { describe, expect, test } from '@jest/globals';
import { DEFAULT_WEIGHTS } from '@acrouter/domain/verification/score';
import { parseModelsFile } from './models-file';

const price = 'price: { inputPerMillion: 1, outputPerMillion: 2 }';
const POOL = `models:
  - { id: a, provider: openai-compatible, baseUrl: "http://127.0.0.1:1/v1", ${price} }
  - { id: s, provider: simulated, ${price} }
`;
const read = (section: string) => parseModelsFile(POOL + section, 'models.yaml', {});
const messageOf = (section: string): string => {
  try {
    read(section);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the file was accepted');
};

describe('the section verification of models.yaml', () => {
  test('without it nobody is asked and the default weights hold', () => {
    expect(read('').verification).toEqual({ weights: DEFAULT_WEIGHTS, judge: null, consistency: null });
  });

  test('weights of one dimension, and of all others', () => {
    const { weights } = read(`verification:
  weights:
    default: { tests: 0.9, judge: 0.1 }
    algorithm: { tests: 1 }
`).verification;
    expect(weights.algorithm).toMatchObject({ tests: 1, judge: 0, rules: 0 });
    expect(weights.bug_fixing).toMatchObject({ tests: 0.9, judge: 0.1, syntax: 0 });
  });

  test('judge and samples with their defaults', () => {
    const { judge, consistency, passOpinion } = read(
      'verification: { passOpinion: 0.8, judge: { model: a }, consistency: { model: a } }\n',
    ).verification;
    expect(judge).toEqual({ model: 'a', checkedShare: 0.1, compare: false, maxOutputTokens: 1_024 });
    expect(consistency).toEqual({ model: 'a', samples: 2, checkedShare: 0.1 });
    expect(passOpinion).toBe(0.8);
  });

  test.each([
    [
      'a sum that is not 1 is named with its line',
      'verification:\n  weights:\n    algorithm: { tests: 0.5, judge: 0.2 }\n',
      'models.yaml:6: verification.weights.algorithm is wrong: the weights sum to 0.700, not to 1',
    ],
    [
      'a negative weight',
      'verification:\n  weights:\n    default: { tests: 1.5, judge: -0.5 }\n',
      'models.yaml:6: verification.weights.default is wrong: each weight must lie between 0 and 1',
    ],
    [
      'an unknown dimension',
      'verification: { weights: { algoritm: { tests: 1 } } }\n',
      'did you mean "algorithm"',
    ],
    ['an unknown signal', 'verification: { weights: { default: { test: 1 } } }\n', 'did you mean "tests"'],
    [
      'a judge outside the pool',
      'verification: { judge: { model: b } }\n',
      '"b" is not in the pool; one of: a, s',
    ],
    ['a simulated judge', 'verification: { judge: { model: s } }\n', '"s" is simulated'],
    ['too many samples', 'verification: { consistency: { model: a, samples: 9 } }\n', 'samples'],
  ])('%s', (_, section, expected) => {
    expect(messageOf(section)).toContain(expected);
  });
});
