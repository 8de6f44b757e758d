import { describe, expect, test } from '@jest/globals';
import { AcrError } from '@acrouter/domain/errors';
import { apiKeyOf, parseModelsFile, readModelsFile, toPoolModel } from './models-file';
import { templateModelsFile } from './models-template';
import { suggestion } from './schema-issues';

const parse = (text: string, env: Record<string, string> = {}) =>
  parseModelsFile(text, 'dir/models.yaml', env);
const messageOf = (text: string, env: Record<string, string> = {}): string => {
  try {
    parse(text, env);
  } catch (error) {
    expect(error).toBeInstanceOf(AcrError);
    expect((error as AcrError).code).toBe('ACR_CONFIG_INVALID');
    return (error as AcrError).message;
  }
  throw new Error('the file was accepted');
};
const LOCAL = `
models:
  - id: local
    provider: openai-compatible
    baseUrl: http://127.0.0.1:1/v1
    price: { inputPerMillion: 1, outputPerMillion: 2 }
`;

describe('a good file', () => {
  test('is completed with defaults', () => {
    const file = parse(LOCAL);
    expect(file.models).toEqual([
      {
        id: 'local',
        provider: 'openai-compatible',
        model: 'local',
        baseUrl: 'http://127.0.0.1:1/v1',
        apiKeyEnv: null,
        price: { inputPerMillion: 1, outputPerMillion: 2 },
        limits: { concurrency: 8, requestsPerMinute: null, timeoutMs: 120_000, maxOutputTokens: 4_096 },
      },
    ]);
    expect(file.strongest).toBe('local');
    expect(file.priors).toBeNull();
  });

  test('strongest defaults to the highest output price, limits may be given in part', () => {
    const file = parse(
      `${LOCAL}  - { id: dear, provider: simulated, price: { inputPerMillion: 0, outputPerMillion: 9 }, limits: { concurrency: 2 } }\n`,
    );
    expect(file.strongest).toBe('dear');
    expect(file.models[1]?.limits).toMatchObject({ concurrency: 2, timeoutMs: 120_000 });
  });

  test('a key is found by the name of its variable and is not in the file', () => {
    const env = { OPENAI_API_KEY: 'sk-secret' };
    const file = parse(
      'models: [{ id: g, provider: openai, price: { inputPerMillion: 1, outputPerMillion: 2 } }]',
      env,
    );
    expect(apiKeyOf(file.models[0]!, env)).toBe('sk-secret');
    expect(JSON.stringify(file)).not.toContain('sk-secret');
  });

  test('a process that calls no model need not have the keys', () => {
    const text = 'models: [{ id: g, provider: openai, price: { inputPerMillion: 1, outputPerMillion: 2 } }]';
    expect(() => parseModelsFile(text, 'models.yaml', null)).not.toThrow();
    expect(() => parseModelsFile(text, 'models.yaml', {})).toThrow(/OPENAI_API_KEY/);
  });

  test('the shipped pool has eight simulated models and says so in every id', () => {
    const file = readModelsFile(null, {});
    expect(file.models).toHaveLength(8);
    for (const m of file.models) {
      expect(m.id).toBe(`simulated/${m.model}`);
      expect(toPoolModel(m).simulated).toBe(true);
    }
    expect(file.strongest).toBe('simulated/claude-opus-4-6');
  });

  test('the template is valid as written, and so are its examples once uncommented', () => {
    expect(parse(templateModelsFile()).models).toHaveLength(2);
    const all = templateModelsFile().replace(/^ {2}# (?=- id|  \w)/gm, '  ');
    const env = {
      OPENAI_API_KEY: 'a',
      ANTHROPIC_API_KEY: 'b',
      GOOGLE_GENERATIVE_AI_API_KEY: 'c',
      MY_SERVER_KEY: 'd',
    };
    expect(parse(all, env).models.map((m) => m.provider)).toEqual([
      ...['simulated', 'simulated', 'openai', 'anthropic', 'google', 'openai-compatible', 'cli'],
    ]);
  });
});

describe('a mistake is named with its line, place and remedy', () => {
  test.each([
    [
      'unknown field',
      LOCAL.replace('baseUrl', 'baseURI'),
      'dir/models.yaml:5: models[0].baseURI is not a known field (did you mean "baseUrl"?)',
    ],
    ['misspelt price', LOCAL.replace('outputPer', 'outptPer'), 'did you mean "outputPerMillion"'],
    ['missing price', LOCAL.replace(/ {4}price.*/, ''), 'models[0].price is missing: give "inputPerMillion"'],
    [
      'negative price',
      LOCAL.replace('outputPerMillion: 2', 'outputPerMillion: -2'),
      'models[0].price.outputPerMillion',
    ],
    ['price as text', LOCAL.replace('outputPerMillion: 2', 'outputPerMillion: cheap'), 'must be a number'],
    ['provider', LOCAL.replace('openai-compatible', 'opanai'), 'must be one of: openai, anthropic'],
    ['no baseUrl', LOCAL.replace(/ {4}baseUrl.*\n/, ''), 'needs "baseUrl"'],
    ['bad baseUrl', LOCAL.replace('http:', 'ftp:'), 'models[0].baseUrl'],
    ['strongest', `${LOCAL}strongest: nobody\n`, ':7: strongest "nobody" is not in the pool; one of: local'],
    [
      'a key in place of its name',
      LOCAL.replace('    price', '    apiKeyEnv: sk-123\n    price'),
      'never the key itself',
    ],
    ['empty list', 'models: []', 'models'],
    ['empty file', '', 'the file'],
    ['broken YAML', 'models: [', 'dir/models.yaml'],
  ])('%s', (_, text, expected) => {
    expect(messageOf(text)).toContain(expected);
  });

  test('duplicates and missing keys are all reported at once', () => {
    const one = '{ id: a, provider: anthropic, price: { inputPerMillion: 1, outputPerMillion: 1 } }';
    const text = messageOf(`models:\n  - ${one}\n  - ${one}\n`);
    expect(text).toContain('"a" is taken by models[0]');
    expect(text.match(/set the environment variable ANTHROPIC_API_KEY/g)).toHaveLength(2);
  });

  test('a file that is not there', () => {
    expect(() => readModelsFile('/nonexistent/models.yaml', {})).toThrow(/acr init/);
  });
});

test('no suggestion for a word that is near nothing', () => {
  expect(suggestion('zzzzzz', ['baseUrl', 'price'])).toBe('');
});
