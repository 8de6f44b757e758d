import { expect, test } from '@jest/globals';
import { refusePretence } from './pretended';

test('checks may be pretended for simulated models only', () => {
  const simulated = { id: 'simulated/instant', provider: 'simulated' as const };
  expect(() => refusePretence([simulated])).not.toThrow();
  expect(() => refusePretence([simulated, { id: 'gpt', provider: 'openai' }])).toThrow('gpt is a real one');
});
