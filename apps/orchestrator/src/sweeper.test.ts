import { expect, test } from '@jest/globals';
import type { StuckTask } from '@acrouter/db/task-store';
import { messageFor } from './sweeper';

const stuck = (over: Partial<StuckTask>): StuckTask => ({
  id: 't',
  phase: 'attempting',
  turn: 1,
  hasContext: true,
  cancelRequested: false,
  traceparent: null,
  expedited: false,
  attempt: 1,
  model: 'm',
  attemptStatus: 'executing',
  ...over,
});

test.each([
  [
    { phase: 'context', hasContext: false, attempt: null, model: null, attemptStatus: null },
    'context',
    undefined,
  ],
  [{ phase: 'context', attempt: null, model: null, attemptStatus: null }, 'decide', 'context-ready'],
  [{}, 'execute', undefined],
  [{ attemptStatus: 'answered' }, 'verify', undefined],
  [{ attemptStatus: 'verified' }, 'feedback', undefined],
  [{ attemptStatus: 'recorded' }, 'decide', 'attempt-finished'],
  [{ attemptStatus: 'outage' }, 'decide', 'attempt-finished'],
  [{ phase: 'waiting', turn: 4 }, 'decide', 'wake'],
  [{ cancelRequested: true }, 'decide', 'cancel'],
] as [Partial<StuckTask>, string, string | undefined][])(
  'a task stuck as %j waits for %s %s',
  (over, queue, kind) => {
    const sent = messageFor(stuck(over));
    expect([sent.queue, (sent.message as { kind?: string }).kind]).toEqual([queue, kind]);
  },
);
