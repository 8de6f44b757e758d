import { expect, test } from '@jest/globals';
import type { LearningExample, TaskContext } from './policy';
import { PUBLISHED_PRIOR } from './published-prior';
import { ScoreBelief } from './score-belief';
import { judgeCost, judgeStranger, newStrangerRecord, strangerChance } from './stranger';

const context = (source: string): TaskContext => ({
  dimension: 'bug_fixing',
  language: 'python',
  source,
  difficulty: null,
  features: null,
});

const belief = () =>
  new ScoreBelief({ models: [], prior: PUBLISHED_PRIOR, strongest: 'claude-opus-4-6', driftRule: false });

function feed(to: ScoreBelief, source: string, scores: readonly number[], model = 'glm-5') {
  scores.forEach((score, i) => {
    const example: LearningExample = {
      taskId: `${source}${i}`,
      context: context(source),
      model,
      score,
      costUsd: 0.01,
      neighbours: [],
    };
    to.learn(example);
  });
}

test('a source where the prior is badly wrong becomes a stranger; one where it is right does not', () => {
  const beliefs = belief();
  // The prior gives glm-5 0.728 for bug fixing, and 0.418 over all dimensions.
  feed(beliefs, 'agentic', [0, 0, 0, 1, 0, 0, 0, 0]);
  feed(beliefs, 'usual', [1, 1, 0, 1, 1, 1, 0, 1]);
  expect(beliefs.strangerShare(context('agentic'))).toBeGreaterThan(0.6);
  expect(beliefs.strangerShare(context('usual'))).toBeLessThan(0.2);
});

test("on a stranger the overall level speaks: the dimension's favourite loses its lead over the better model", () => {
  const beliefs = belief();
  feed(beliefs, 'agentic', [0, 0, 0, 0, 0, 0, 0, 0]);
  const mean = (source: string, model: string) => beliefs.estimate(context(source), model).mean;
  // kimi-k2.5 leads gpt-5.4 in bug fixing (0.653, 0.567), and trails it overall (0.370, 0.412).
  expect(mean('usual', 'kimi-k2.5')).toBeGreaterThan(mean('usual', 'gpt-5.4'));
  expect(mean('agentic', 'kimi-k2.5')).toBeLessThan(mean('agentic', 'gpt-5.4'));
});

test('odds are bounded, so that a hundred surprises do not take a thousand to be forgotten', () => {
  const record = newStrangerRecord();
  for (let i = 0; i < 500; i += 1) judgeStranger(record, 0, 0.3, undefined, 0.9);
  expect(strangerChance(record)).toBeGreaterThan(0.99);
  for (let i = 0; i < 40; i += 1) judgeStranger(record, 1, 0.3, undefined, 0.9);
  expect(strangerChance(record)).toBeLessThan(0.5);
});

test('a source that costs sixty times the usual is a stranger; one that costs three times as much is not', () => {
  const told = (attempts: number, factor: number) => {
    const record = newStrangerRecord();
    for (let i = 0; i < attempts; i += 1) judgeCost(record, 0.003 * factor, 0.003);
    return strangerChance(record);
  };
  expect(told(3, 60)).toBeGreaterThan(0.9);
  expect(told(3, 1 / 60)).toBeGreaterThan(0.9);
  expect(told(300, 3)).toBeLessThan(0.2);
  expect(told(300, 1)).toBeLessThan(told(0, 1));
  // One fact, however often it is told: scores can still turn it.
  expect(told(10_000, 60)).toBeLessThan(0.9999);
});

test('costs reach the belief: by price where the prior has none, and never where the cost is unknown', () => {
  const price = { inputPerMillion: 0.8, outputPerMillion: 3 };
  const setup = {
    models: [{ id: 'glm-5', price, simulated: false }],
    prior: PUBLISHED_PRIOR,
    strongest: 'claude-opus-4-6',
    driftRule: false,
  };
  const share = (costUsd: number | null) => {
    const beliefs = new ScoreBelief(setup);
    for (const score of [1, 1, 0, 1])
      beliefs.learn({
        taskId: 't',
        context: context('source'),
        model: 'glm-5',
        score,
        costUsd,
        neighbours: [],
      });
    return beliefs.strangerShare(context('source'));
  };
  expect(share(0.0012)).toBeLessThan(share(null));
  expect(share(0)).toBe(share(null));
  expect(share(0.07)).toBeGreaterThan(0.8);
});
