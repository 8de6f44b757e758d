import { Client, type QueryResult } from 'pg';
import { isPlannedOnce } from './planned-once';

/** Text → name, for all connections of this process: a name always stands for one text. */
const names = new Map<string, string>();

/**
 * A connection that prepares the statements marked `plannedOnce` the first time it meets them: parsed and planned once
 * instead of at every group of jobs. Their texts never change, and what they do is found by key whatever is in the tables, so
 * that a plan never gets stale. All others are sent as they are. A pooler must be in session mode, as LISTEN wants it.
 */
export class PreparingClient extends Client {
  // As pg's own overloads: (text, values), (config), (submittable), with or without a callback.
  override query(first: unknown, ...rest: unknown[]): Promise<QueryResult> {
    const send = super.query.bind(this) as unknown as (...args: unknown[]) => Promise<QueryResult>;
    const [values] = rest;
    if (typeof first !== 'string' || !Array.isArray(values) || !isPlannedOnce(first))
      return send(first, ...rest);
    return send({ name: nameOf(first), text: first, values }, ...rest.slice(1));
  }
}

function nameOf(text: string): string {
  const known = names.get(text);
  if (known) return known;
  const name = `acr_${names.size + 1}`;
  names.set(text, name);
  return name;
}
