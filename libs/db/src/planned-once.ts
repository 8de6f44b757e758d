import { sql } from 'kysely';

const MARK = '/* planned once */';

/**
 * SQL: marks a statement whose text never changes and that finds its rows by key, for `PreparingClient`: each
 * connection parses and plans it once. `rowSet` has it in itself. It must name the columns of its result: a migration
 * that adds one would change the result of `*`, which Postgres refuses for a plan that is kept.
 */
export const plannedOnce = sql.raw(MARK);

/** Whether a statement is marked so. */
export const isPlannedOnce = (text: string): boolean => text.includes(MARK);
