import { insertAttempt } from '@acrouter/db/attempt-store';
import { storeContext } from '@acrouter/db/context-store';
import { decisionsStep } from '@acrouter/db/decision-store';
import { explanationSchema, problemSchema } from '@acrouter/contracts/http';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ask, startTestGateway, type TestGateway } from './test-gateway';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());

test('a task is explained by its decisions, and feedback names one of them', async () => {
  const { db } = gateway.context;
  const id = String((await ask(gateway, 'POST', '/v1/tasks', { prompt: 'p' })).body['id']);
  const neighbours = [{ taskId: 'x', model: 'glm-5', score: 1, costUsd: null, similarity: 0.75 }];
  await storeContext(db, {
    taskId: id,
    dimension: 'algorithm',
    language: 'python',
    dimensionBy: 'given',
    embedding: new Float32Array(384),
    embedder: 'hashed-1/384',
    neighbours,
  });
  await decisionsStep([
    {
      taskId: id,
      turn: 1,
      action: 'attempt',
      attempt: 1,
      model: 'glm-5',
      probability: 0.9,
      explored: false,
      policy: 'vote-ensemble',
      policyVersion: '1',
      reason: 'best of two',
      candidates: [
        {
          model: 'glm-5',
          available: true,
          predictedScore: 0.5,
          predictedCostUsd: null,
          probability: 0.9,
          votes: { prior: 1 },
        },
      ],
      attemptsLeft: 3,
      budgetLeftUsd: null,
      costWeight: 0.1,
      decideMs: 0.5,
    },
  ]).execute(db);
  await insertAttempt(db, id, 1, 'glm-5');
  const decisionId = `${id}.1`;
  const said = { decisionId, metric: 'verdict', value: 'underpowered', tags: ['ci'], reason: 'too weak' };
  const answer = await ask(gateway, 'POST', '/v1/feedback', said);
  expect(answer.status).toBe(201);
  const explanation = explanationSchema.parse((await ask(gateway, 'GET', `/v1/tasks/${id}/explain`)).body);
  expect(explanation.decisions).toHaveLength(1);
  expect(explanation.decisions[0]).toMatchObject({ decisionId, probability: 0.9, result: { attempt: 1 } });
  expect(explanation.decisions[0]?.candidates[0]?.votes).toEqual({ prior: 1 });
  expect(explanation.decisions[0]?.neighbours).toEqual(neighbours);
  expect(explanation.feedback).toMatchObject([
    { attempt: 1, source: 'user:local', metric: 'verdict', value: 'underpowered', tags: ['ci'] },
  ]);
  const foreign = await ask(gateway, 'POST', '/v1/feedback', { ...said, decisionId: `${id}.7` });
  expect(foreign.status).toBe(404);
  const word = await ask(gateway, 'POST', '/v1/feedback', { ...said, value: 'meh' });
  expect(problemSchema.parse(word.body).errors?.[0]?.path).toBe('value');
});
