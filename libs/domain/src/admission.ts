/**
 * Who is let into the loop next, as pure arithmetic: start-time fair queuing (Goyal, Vin, Cheng 1996) over
 * tenants by weight, and within a tenant over priorities. A tenant's turn starts at the later of its last turn's
 * end and the system's virtual time, takes 1/weight, and the earliest start wins: a tenant that was away has
 * saved nothing up, and one that floods waits for nobody but itself.
 */

export const PRIORITIES = ['low', 'normal', 'high'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** A priority as it is stored: 0 low, 1 normal, 2 high. */
export const priorityRank = (priority: Priority): number => PRIORITIES.indexOf(priority);
/** The priority stored as `rank`. */
export const priorityOf = (rank: number): Priority => PRIORITIES[rank] ?? 'normal';

/**
 * Turns that low, normal and high get of 21 while tasks of all three wait: high hardly notices the others, and
 * low never starves.
 */
const CLASS_WEIGHTS = [1, 4, 16] as const;

/**
 * A tenant with fewer tasks than this in the loop may enter a full one, and its messages overtake those that
 * wait, as long as its weight entitles it to the turns: so a single task never waits for another's batch.
 */
export const OVERTAKING = 4;

/** The loop never holds more than this many windows. */
const HARD_LIMIT = 2;
/** Share of the window that tasks at one model, or waiting for a cool-down, can take from the others. */
const PLACE_SHARE = 0.5;

/**
 * The loop fills up to this many tasks at once, or an eighth of the window if that is more, and then by one more for
 * each task that leaves it, up to the window: a batch that comes to an idle stack must not make all its services
 * run their first steps for a whole window of tasks at the same moment (TCP's slow start).
 */
export const FIRST_WINDOW = 32;
const FIRST_SHARE = 1 / 8;

/** One number per priority: low, normal, high. */
export type PerPriority = readonly [number, number, number];

/** Where a tenant stands, kept between rounds. Times are virtual: 1 = one task of a tenant of weight 1. */
export interface TenantShare {
  tenantId: string;
  weight: number;
  /** Earliest start of its next turn. */
  nextStart: number;
  /** The same one level below: the time of its priorities, and the next start of each. */
  classTime: number;
  classNext: PerPriority;
}

/** A tenant with queued tasks. */
export interface TenantQueue extends TenantShare {
  /** Queued tasks by priority, counted up to `mostOfOne`. */
  queued: PerPriority;
}

/** Tasks in the loop, by tenant and by where they are held up. */
export interface InFlight {
  tenantId: string;
  /** The model they are at, or 'cool-down'; `null` elsewhere in the loop. */
  place: string | null;
  tasks: number;
}

/** What one round leaves for the next. */
export interface AdmissionClock {
  virtualTime: number;
  /** Tasks allowed in the loop, on the way from the first window to the whole one. */
  pace: number;
  /** Tasks in the loop when the round was over. */
  inFlight: number;
}

export interface AdmissionInput {
  clock: AdmissionClock;
  queues: readonly TenantQueue[];
  inFlight: readonly InFlight[];
  /** Most tasks in the loop at once. */
  window: number;
}

/** Let in the `count` oldest tasks of a tenant's priority; the first `expedited` of them overtake. */
export interface Pick {
  tenantId: string;
  priority: number;
  count: number;
  expedited: number;
}

export interface Admission {
  clock: AdmissionClock;
  /** Tenants whose standing changed. */
  shares: TenantShare[];
  picks: Pick[];
}

/** One round: fills the window as far as its pace allows. Deterministic; changes none of its arguments. */
export function admit(input: AdmissionInput): Admission {
  return new Round(input).run();
}

/**
 * Tasks allowed in the loop now, when `inFlight` are in it. A loop that has become idle starts again from
 * the first window: what left it long ago says nothing about now.
 */
export function paceOf(clock: AdmissionClock, inFlight: number, window: number): number {
  const left = Math.max(0, clock.inFlight - inFlight);
  const first = Math.max(FIRST_WINDOW, Math.ceil(window * FIRST_SHARE));
  return Math.min(window, Math.max(first, Math.min(clock.pace + left, 4 * inFlight)));
}

/**
 * Tasks that may be let in without anybody overtaking. Tasks at one slow model count for half of the window at
 * most, so that it cannot fill the loop for everyone, but never more than two windows are in the loop.
 */
export function roomIn(inFlight: readonly InFlight[], window: number): number {
  const places = new Map<string | null, number>();
  for (const { place, tasks } of inFlight) places.set(place, (places.get(place) ?? 0) + tasks);
  const all = sum([...places.values()]);
  const counted = sum(
    [...places].map(([place, tasks]) =>
      place === null ? tasks : Math.min(tasks, Math.ceil(window * PLACE_SHARE)),
    ),
  );
  return Math.max(0, Math.min(window - counted, HARD_LIMIT * window - all));
}

/** Most tasks of one priority of a tenant that the next round can let in: more need not be counted. */
export function mostOfOne(clock: AdmissionClock, inFlight: readonly InFlight[], window: number): number {
  const pace = paceOf(clock, sum(inFlight.map((f) => f.tasks)), window);
  return Math.max(OVERTAKING, roomIn(inFlight, pace));
}

interface Contender {
  share: TenantShare;
  queued: [number, number, number];
  inFlight: number;
  changed: boolean;
}

class Round {
  private virtualTime: number;
  private inFlight: number;
  private readonly pace: number;
  private room: number;
  private hardRoom: number;
  private readonly contenders: Contender[];
  private readonly others: number;
  private readonly picks = new Map<string, Pick>();

  constructor(input: AdmissionInput) {
    this.virtualTime = input.clock.virtualTime;
    this.inFlight = sum(input.inFlight.map((f) => f.tasks));
    this.pace = paceOf(input.clock, this.inFlight, input.window);
    this.room = roomIn(input.inFlight, this.pace);
    const byTenant = new Map<string, number>();
    for (const { tenantId, tasks } of input.inFlight)
      byTenant.set(tenantId, (byTenant.get(tenantId) ?? 0) + tasks);
    this.hardRoom = HARD_LIMIT * this.pace - this.inFlight;
    this.contenders = input.queues.map(({ queued, ...share }) => ({
      share,
      queued: [...queued],
      inFlight: byTenant.get(share.tenantId) ?? 0,
      changed: false,
    }));
    for (const { share } of this.contenders) byTenant.set(share.tenantId, 0);
    this.others = byTenant.size;
  }

  run(): Admission {
    for (let next = this.next(); next; next = this.next()) this.take(next);
    return {
      clock: { virtualTime: this.virtualTime, pace: this.pace, inFlight: this.inFlight },
      shares: this.contenders.filter((c) => c.changed).map((c) => c.share),
      picks: [...this.picks.values()],
    };
  }

  /** The one whose turn starts first; when the window is full, the first of those who may overtake. */
  private next(): Contender | null {
    if (this.hardRoom <= 0) return null;
    const waiting = this.contenders.filter((c) => sum(c.queued) > 0);
    const entitled = this.room > 0 ? waiting : waiting.filter((c) => this.overtakes(c));
    return entitled.reduce<Contender | null>(
      (first, c) => (first === null || this.isBefore(c, first) ? c : first),
      null,
    );
  }

  private isBefore(a: Contender, b: Contender): boolean {
    const [startA, startB] = [this.startOf(a), this.startOf(b)];
    return startA < startB || (startA === startB && a.inFlight < b.inFlight);
  }

  private startOf(c: Contender): number {
    return Math.max(c.share.nextStart, this.virtualTime);
  }

  private overtakes(c: Contender): boolean {
    const ahead = (this.startOf(c) - this.virtualTime) * c.share.weight;
    return this.others > 1 && c.inFlight < OVERTAKING && ahead <= OVERTAKING;
  }

  private take(c: Contender): void {
    const expedited = this.overtakes(c);
    const start = this.startOf(c);
    // Out of turn, it may be ahead of the others; the time goes on with those in turn.
    if (this.room > 0) this.virtualTime = start;
    const priority = this.takeClass(c);
    c.share = { ...c.share, nextStart: start + 1 / c.share.weight };
    c.changed = true;
    c.inFlight++;
    this.inFlight++;
    this.room--;
    this.hardRoom--;
    this.record(c.share.tenantId, priority, expedited);
  }

  /** The same rule among a tenant's priorities; of equals the higher. */
  private takeClass(c: Contender): number {
    const { classTime, classNext } = c.share;
    let best = -1;
    const start = (rank: number): number => Math.max(classNext[rank] ?? 0, classTime);
    for (const rank of [2, 1, 0])
      if ((c.queued[rank] ?? 0) > 0 && (best < 0 || start(rank) < start(best))) best = rank;
    const next: [number, number, number] = [...classNext];
    next[best] = start(best) + 1 / (CLASS_WEIGHTS[best] ?? 1);
    c.share = { ...c.share, classTime: start(best), classNext: next };
    c.queued[best] = (c.queued[best] ?? 0) - 1;
    return best;
  }

  private record(tenantId: string, priority: number, expedited: boolean): void {
    const key = `${priority} ${tenantId}`;
    const pick = this.picks.get(key) ?? { tenantId, priority, count: 0, expedited: 0 };
    pick.count++;
    if (expedited) pick.expedited++;
    this.picks.set(key, pick);
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
