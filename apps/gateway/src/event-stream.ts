import type { RunEvent } from '@acrouter/contracts/http';
import type { EventCursor, StoredEvent } from '@acrouter/db/event-store';

/** Server-sent events, as text. Source: WHATWG HTML, §9.2 (server-sent events). */

/** After a cut connection, a browser comes back in so many ms. */
export const RETRY_MS = 2_000;
/** End of the id of `run.finished`: who comes back with it has seen everything. */
const END = '-end';

/** A comment: keeps proxies from closing a quiet connection. */
export const HEARTBEAT = ': still here\n\n';

/** `<xid>-<id>`, what a client sends back as Last-Event-ID. */
export function formatCursor(cursor: EventCursor): string {
  return `${cursor.xid}-${cursor.id}`;
}

/** Where to go on, and whether the client has already seen the end; `null` when it is no id of ours. */
export function parseCursor(lastEventId: string): { after: EventCursor; sawEnd: boolean } | null {
  const match = /^(\d{1,19})-(\d{1,15})(-end)?$/.exec(lastEventId);
  if (!match?.[1] || !match[2]) return null;
  return { after: { xid: match[1], id: Number(match[2]) }, sawEnd: match[3] === END };
}

/** One stored event. */
export function frameOf(event: StoredEvent): string {
  const data: RunEvent = {
    type: event.type,
    taskId: event.taskId,
    at: event.at.toISOString(),
    data: event.data,
  };
  return frame(formatCursor(event.cursor), event.type, data);
}

/** The last event of a run's stream. */
export function finishedFrame(after: EventCursor, run: Record<string, unknown>, at: Date): string {
  const data: RunEvent = { type: 'run.finished', taskId: null, at: at.toISOString(), data: run };
  return frame(formatCursor(after) + END, 'run.finished', data);
}

/** JSON.stringify leaves no line break in `data`, so one data line is enough. */
function frame(id: string, type: string, data: RunEvent): string {
  return `id: ${id}\nevent: ${type.replaceAll(/[\r\n]/g, ' ')}\ndata: ${JSON.stringify(data)}\n\n`;
}
