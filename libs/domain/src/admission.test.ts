import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  admit,
  FIRST_WINDOW,
  mostOfOne,
  OVERTAKING,
  roomIn,
  paceOf,
  type AdmissionClock,
  type AdmissionInput,
  type InFlight,
  type PerPriority,
  type Pick,
  type TenantQueue,
} from './admission';

const queue = (tenantId: string, queued: PerPriority, over: Partial<TenantQueue> = {}): TenantQueue => ({
  tenantId,
  weight: 1,
  nextStart: 0,
  classTime: 0,
  classNext: [0, 0, 0],
  queued,
  ...over,
});
const inLoop = (tenantId: string, tasks: number, place: string | null = null): InFlight => ({
  tenantId,
  tasks,
  place,
});
const countOf = (picks: readonly Pick[], tenantId: string, priority?: number): number =>
  picks
    .filter((p) => p.tenantId === tenantId && (priority === undefined || p.priority === priority))
    .reduce((sum, p) => sum + p.count, 0);

/** A clock whose pace is the window already. */
const at = (virtualTime: number, window: number): AdmissionClock => ({
  virtualTime,
  pace: window,
  inFlight: window,
});

/** A loop in which every task takes one round: what is let in leaves before the next. */
function serve(queues: TenantQueue[], window: number, rounds: number) {
  let virtualTime = 0;
  const served: Pick[][] = [];
  for (let i = 0; i < rounds; i++) {
    const result = admit({ clock: at(virtualTime, window), queues, inFlight: [], window });
    virtualTime = result.clock.virtualTime;
    served.push(result.picks);
    queues = queues.map((q) => {
      const share = result.shares.find((s) => s.tenantId === q.tenantId) ?? q;
      const left = q.queued.map((n, rank) => n - countOf(result.picks, q.tenantId, rank));
      return { ...q, ...share, queued: [left[0] ?? 0, left[1] ?? 0, left[2] ?? 0] };
    });
  }
  return { served: served.flat(), rounds: served, queues, virtualTime };
}

describe('between tenants', () => {
  test('places go by weight, however much each has queued', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(weights, fc.integer({ min: 5, max: 40 }), (all, window) => {
        const queues = all.map((weight, i) => queue(`t${i}`, [0, 100_000 + i * 1_000, 0], { weight }));
        const { served } = serve(queues, window, 100);
        const total = served.reduce((n, p) => n + p.count, 0);
        const sum = all.reduce((a, b) => a + b, 0);
        all.forEach((weight, i) => {
          // A turn is 1/weight long: nobody is off by more than a turn of each other, and what it may overtake by.
          const off = Math.abs(countOf(served, `t${i}`) - (total * weight) / sum);
          expect(off).toBeLessThanOrEqual(OVERTAKING + 1 + (weight * all.length) / Math.min(...all));
        });
      }),
    );
  });

  test('a newcomer is let in at once, whatever others have had or have queued', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 200 }), (window, rounds) => {
        const before = serve([queue('flood', [0, 1_000_000, 0])], window, rounds);
        const queues = [...before.queues, queue('new', [0, 1, 0])];
        const { picks } = admit({ clock: at(before.virtualTime, window), queues, inFlight: [], window });
        expect(countOf(picks, 'new')).toBe(1);
      }),
    );
  });

  test('who was away has saved nothing up', () => {
    const before = serve([queue('busy', [0, 1_000_000, 0])], 10, 100);
    const queues = [...before.queues, queue('back', [0, 1_000_000, 0])];
    const { picks } = admit({ clock: at(before.virtualTime, 100), queues, inFlight: [], window: 100 });
    expect(Math.abs(countOf(picks, 'back') - countOf(picks, 'busy'))).toBeLessThanOrEqual(1);
  });
});

describe('between priorities of a tenant', () => {
  test('high goes first, and low still gets its turns', () => {
    const { served } = serve([queue('t', [10_000, 10_000, 10_000])], 21, 100);
    const counts = [0, 1, 2].map((rank) => countOf(served, 't', rank));
    expect(counts.map((n) => Math.round(n / 100))).toEqual([1, 4, 16]);
  });

  test('one urgent task goes before a long queue that has been served for long', () => {
    const before = serve([queue('t', [0, 1_000_000, 0])], 1, 500);
    const queues = before.queues.map((q) => ({ ...q, queued: [0, 1_000, 1] as const }));
    const { picks } = admit({ clock: at(before.virtualTime, 1), queues, inFlight: [], window: 1 });
    expect(picks).toEqual([{ tenantId: 't', priority: 2, count: 1, expedited: 0 }]);
  });

  test('another tenant’s priorities are none of mine', () => {
    const { served } = serve([queue('a', [0, 0, 1_000]), queue('b', [1_000, 0, 0])], 10, 20);
    expect(countOf(served, 'a')).toBe(countOf(served, 'b'));
  });
});

describe('a full loop', () => {
  const full = (over: Partial<AdmissionInput>): AdmissionInput => ({
    clock: at(100, 30),
    queues: [queue('flood', [0, 500, 0], { nextStart: 100 }), queue('small', [0, 20, 0])],
    inFlight: [inLoop('flood', 30)],
    window: 30,
    ...over,
  });

  test('a tenant with few tasks in it is let in all the same, and overtakes', () => {
    const { picks, clock } = admit(full({}));
    expect(picks).toEqual([{ tenantId: 'small', priority: 1, count: OVERTAKING, expedited: OVERTAKING }]);
    expect(clock).toEqual({ virtualTime: 100, pace: 30, inFlight: 30 + OVERTAKING });
  });

  test('but not for more turns than its weight gives it', () => {
    const queues = [queue('small', [0, 20, 0], { nextStart: 100 + OVERTAKING + 1 })];
    expect(admit(full({ queues })).picks).toEqual([]);
  });

  test('nobody overtakes itself', () => {
    const alone = full({ queues: [queue('flood', [0, 500, 0])] });
    expect(admit(alone).picks).toEqual([]);
    expect(admit({ ...alone, inFlight: [] }).picks).toEqual([
      { tenantId: 'flood', priority: 1, count: 30, expedited: 0 },
    ]);
  });

  test('never more than two windows, whatever comes', () => {
    const input = fc.record({
      tenants: fc.array(
        fc.record({ weight: fc.integer({ min: 1, max: 9 }), queued: fc.nat(300), tasks: fc.nat(60) }),
        { minLength: 1, maxLength: 60 },
      ),
      window: fc.integer({ min: 1, max: FIRST_WINDOW }),
      place: fc.constantFrom(null, 'slow'),
    });
    fc.assert(
      fc.property(input, ({ tenants, window, place }) => {
        const inFlight = tenants.map(({ tasks }, i) => inLoop(`t${i}`, tasks, place));
        const queues = tenants.map(({ weight, queued }, i) => queue(`t${i}`, [0, queued, 0], { weight }));
        const { picks } = admit({ clock: at(0, window), queues, inFlight, window });
        const most = mostOfOne(at(0, window), inFlight, window);
        for (const pick of picks) expect(pick.count).toBeLessThanOrEqual(most);
        const before = tenants.reduce((sum, t) => sum + t.tasks, 0);
        const admitted = picks.reduce((sum, p) => sum + p.count, 0);
        expect(admitted).toBeLessThanOrEqual(Math.max(0, 2 * window - before));
        tenants.forEach(({ queued }, i) => expect(countOf(picks, `t${i}`)).toBeLessThanOrEqual(queued));
        // Work is never left lying while there is room.
        const queued = tenants.reduce((sum, t) => sum + t.queued, 0);
        expect(admitted).toBeGreaterThanOrEqual(Math.min(queued, roomIn(inFlight, window)));
      }),
    );
  });

  test('tasks at a slow model, or waiting for a cool-down, leave half of the window to the others', () => {
    expect(roomIn([inLoop('a', 80, 'slow')], 100)).toBe(50);
    expect(roomIn([inLoop('a', 80, 'slow'), inLoop('a', 30, 'cool-down')], 100)).toBe(20);
    expect(roomIn([inLoop('a', 80)], 100)).toBe(20);
    expect(roomIn([inLoop('a', 190, 'slow')], 100)).toBe(10);
  });
});

describe('the way to a full loop', () => {
  const IDLE: AdmissionClock = { virtualTime: 0, pace: 0, inFlight: 0 };

  test('begins small and takes two tasks for each that leaves, up to the window', () => {
    const queues = [queue('t', [0, 10_000, 0])];
    let clock = IDLE;
    const sizes = [0, 16, 24, 36, 54, 81].map((leave) => {
      const tasks = clock.inFlight - leave;
      ({ clock } = admit({ clock, queues, inFlight: tasks > 0 ? [inLoop('t', tasks)] : [], window: 200 }));
      return clock.inFlight;
    });
    expect(sizes).toEqual([FIRST_WINDOW, 48, 72, 108, 162, 200]);
  });

  test('is gone again after the loop was idle, and a window smaller than the first is kept', () => {
    expect(paceOf({ virtualTime: 0, pace: 200, inFlight: 200 }, 0, 200)).toBe(FIRST_WINDOW);
    expect(paceOf(IDLE, 0, 8)).toBe(8);
  });

  test('begins with an eighth of a large window', () => {
    expect([256, 257, 1_024, 4_096].map((window) => paceOf(IDLE, 0, window))).toEqual([32, 33, 128, 512]);
  });
});
