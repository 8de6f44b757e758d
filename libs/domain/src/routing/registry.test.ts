import { expect, test } from '@jest/globals';
import { createPolicy, defaultPolicyName } from './registry';

test('the default policies exist', () => {
  for (const maxAttempts of [1, 3]) {
    const name = defaultPolicyName({ maxAttempts });
    expect(createPolicy(name, { models: [], prior: null, strongest: 'a' }).name).toBe(name);
  }
});

test('an unknown name lists the known ones', () => {
  expect(() => createPolicy('nonsense', { models: [], prior: null, strongest: 'a' })).toThrow(
    /vote-ensemble/,
  );
});
