import { renewLease } from '@acrouter/db/lease-store';
import type { Database } from '@acrouter/db/client';

/** An attempt that this process holds. */
export interface Lease {
  taskId: string;
  attempt: number;
  /** Fencing token: writes under another token are refused. */
  token: string;
}

export interface KeptLease {
  /** Aborts when the lease is lost: another process may be working on the attempt by now. */
  signal: AbortSignal;
  stop(): void;
}

/** Renews a lease three times per `leaseMs` until stopped. */
export function keepLease(db: Database, lease: Lease, leaseMs: number): KeptLease {
  const lost = new AbortController();
  let renewedAtMs = performance.now();
  const renew = async () => {
    const startedMs = performance.now();
    if (await renewLease(db, lease.taskId, lease.attempt, lease.token, leaseMs)) renewedAtMs = startedMs;
    else lost.abort(new Error('The lease was taken by another'));
  };
  const timer = setInterval(() => {
    renew().catch(() => {
      // Postgres may be back in time for the next renewal; if not, the lease has run out.
      if (performance.now() - renewedAtMs > leaseMs) lost.abort(new Error('The lease could not be renewed'));
    });
  }, leaseMs / 3);
  return { signal: lost.signal, stop: () => clearInterval(timer) };
}
