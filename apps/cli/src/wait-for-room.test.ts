import { AcrError } from '@acrouter/domain/errors';
import { describe, expect, test } from '@jest/globals';
import { withRoom } from './wait-for-room';

/** A gateway that refuses the first `refusals` requests, and a clock that only waiting moves. */
function stage(
  refusals: number,
  error = new AcrError('ACR_BACKLOG_FULL', '', { fields: { retryAfterMs: 4_000 } }),
) {
  const seen = { requests: 0, waits: [] as number[], told: [] as string[], nowMs: 1_000 };
  const run = (patienceMs: number) =>
    withRoom(() => (++seen.requests > refusals ? Promise.resolve('stored') : Promise.reject(error)), {
      patienceMs,
      tell: (line) => seen.told.push(line),
      wait: (ms) => Promise.resolve((seen.waits.push(ms), (seen.nowMs += ms))),
      now: () => seen.nowMs,
    });
  return { seen, run };
}

describe('a request while the backlog is full', () => {
  test('is sent again after the time that the gateway asks for', async () => {
    const { seen, run } = stage(3);
    await expect(run(Infinity)).resolves.toBe('stored');
    expect(seen).toMatchObject({ requests: 4, waits: [4_000, 4_000, 4_000] });
    expect(seen.told).toHaveLength(3);
  });

  test('is given up when patience ends, after one last try', async () => {
    const { seen, run } = stage(99);
    await expect(run(10_000)).rejects.toMatchObject({ code: 'ACR_BACKLOG_FULL' });
    expect(seen.waits).toEqual([4_000, 4_000, 2_000]);
    expect(seen.requests).toBe(4);
  });

  test('is not sent again by who does not want to wait, nor after any other error', async () => {
    await expect(stage(1).run(0)).rejects.toMatchObject({ code: 'ACR_BACKLOG_FULL' });
    const other = stage(1, new AcrError('ACR_RATE_LIMITED'));
    await expect(other.run(Infinity)).rejects.toMatchObject({ code: 'ACR_RATE_LIMITED' });
    expect(other.seen.requests).toBe(1);
  });
});
