import { expect, test } from '@jest/globals';
import { Slots } from './slots';

test('no more work runs at once than there are slots, in order, and a failure gives its slot back', async () => {
  const slots = new Slots(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const work = (n: number) =>
    slots.run(async () => {
      begun.push(n);
      await new Promise<void>((end) => ends.push(end));
      if (n === 0) throw new Error('failed');
      return n;
    });
  const all = Promise.allSettled([0, 1, 2, 3].map(work));
  const turn = () => new Promise((resume) => setImmediate(resume));
  await turn();
  expect(begun).toEqual([0, 1]);
  ends[0]?.();
  await turn();
  expect(begun).toEqual([0, 1, 2]);
  ends[1]?.();
  ends[2]?.();
  await turn();
  ends[3]?.();
  expect((await all).map((r) => (r.status === 'fulfilled' ? r.value : 'failed'))).toEqual([
    'failed',
    1,
    2,
    3,
  ]);
});
