import { expect, test } from '@jest/globals';
import { worstCaseCost } from '@acrouter/domain/task';
import { parseModelsFile } from './models-file';

const parse = (entry: string, env: Record<string, string> = {}) =>
  parseModelsFile(`models:\n  - { id: team/agent, provider: cli, ${entry} }\n`, '/somewhere/models.yaml', env)
    .models[0]!;
const mistake = (entry: string, env?: Record<string, string>): string => {
  try {
    parse(entry, env);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the entry was accepted');
};

test('an agent is completed with defaults; its price is what one call may cost', () => {
  const entry = parse('agent: claude, price: { maxCallUsd: 1.5 }');
  expect(entry).toEqual({
    id: 'team/agent',
    provider: 'cli',
    model: 'agent',
    baseUrl: null,
    apiKeyEnv: null,
    // 600 tokens at this price make up the call: no comparison of prices takes it for free.
    price: { inputPerMillion: 2_500, outputPerMillion: 2_500, maxCallUsd: 1.5 },
    limits: { concurrency: 2, requestsPerMinute: null, timeoutMs: 600_000, maxOutputTokens: 4_096 },
    agent: {
      ...{ kind: 'claude', command: 'claude', args: [], model: null, env: [], home: 'private' },
      ...{ perCallUsd: null, pricedByTokens: false },
    },
  });
  expect(worstCaseCost(1_000_000, 4_096, entry.price)).toBe(1.5);
});

test('prices per token and a flat price are told apart', () => {
  const tokens = parse('agent: codex, price: { maxCallUsd: 1, inputPerMillion: 2, outputPerMillion: 8 }');
  expect(tokens.price).toEqual({ inputPerMillion: 2, outputPerMillion: 8, maxCallUsd: 1 });
  expect(tokens.agent).toMatchObject({ pricedByTokens: true, perCallUsd: null });
  const flat = parse('agent: codex, price: { perCallUsd: 0.3 }');
  expect(flat.agent).toMatchObject({ pricedByTokens: false, perCallUsd: 0.3 });
  expect(flat.price.maxCallUsd).toBe(0.3);
});

test('a command with a folder is relative to models.yaml, a bare one is looked up on PATH', () => {
  const price = 'price: { perCallUsd: 0 }';
  expect(parse(`agent: custom, command: ./bin/mine, ${price}`).agent?.command).toBe('/somewhere/bin/mine');
  expect(parse(`agent: custom, command: /usr/bin/mine, ${price}`).agent?.command).toBe('/usr/bin/mine');
  expect(parse(`agent: aider, command: aider2, ${price}`).agent?.command).toBe('aider2');
});

test.each([
  ['price: { maxCallUsd: 1 }', 'models[0].agent is missing: one of claude, codex'],
  ['agent: cursor, price: { maxCallUsd: 1 }', 'must be one of: claude'],
  ['agent: custom, price: { maxCallUsd: 1 }', 'models[0].command is missing'],
  ['agent: claude, price: { }', 'needs "maxCallUsd"'],
  ['agent: claude, price: { maxCallUsd: 0 }', 'models[0].price.maxCallUsd'],
  [
    'agent: claude, price: { maxCallUsd: 1, inputPerMillion: 1 }',
    'models[0].price.outputPerMillion is missing',
  ],
  ['agent: claude, apiKeyEnv: K, price: { maxCallUsd: 1 }', 'name the variables it needs in "env"'],
  ['agent: claude, env: [KEY], price: { maxCallUsd: 1 }', 'names KEY, which is not set'],
  ['agent: claude, env: [sk-123], price: { maxCallUsd: 1 }', 'never its value'],
  ['agent: claude, price: { maxCallUsd: 1 }, limits: { timeoutMs: 900000 }', 'models[0].limits.timeoutMs'],
])('%s: %s', (entry, expected) => expect(mistake(entry)).toContain(expected));

test('what is for agents is refused elsewhere, and so is a longer wait', () => {
  const other = (more: string) => () =>
    parseModelsFile(
      `models: [{ id: a, provider: simulated, price: { inputPerMillion: 1, outputPerMillion: 1 }, ${more} }]`,
      'models.yaml',
      {},
    );
  expect(other('agent: claude')).toThrow('models[0].agent is only for "provider: cli"');
  expect(other('limits: { timeoutMs: 400000 }')).toThrow('may be at most 300000');
});
