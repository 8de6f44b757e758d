import { sql, type RawBuilder, type Selectable } from 'kysely';
import type { Executor } from './client';
import { text } from './postgres-text';
import type { ModelHealthTable } from './tables';

export type HealthRow = Selectable<ModelHealthTable>;

/** Health of every model that ever failed. */
export function loadHealth(db: Executor): Promise<HealthRow[]> {
  return db.selectFrom('model_health').selectAll().execute();
}

/** Model → end of its cool-down in Unix ms, for the models that cool down now. */
export async function coolingModels(db: Executor): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('model_health')
    .select(['model', 'cooling_until'])
    .where('cooling_until', '>', sql<Date>`now()`)
    .execute();
  return new Map(rows.map((r) => [r.model, r.cooling_until?.getTime() ?? 0]));
}

/**
 * Counts an outage and lets the model cool down until `coolUntil(consecutive)` says, computed from the number
 * of outages in a row, this one included. A cool-down that already runs is never made shorter.
 * Must run in a transaction: the row is locked in between.
 */
export async function recordOutage(
  trx: Executor,
  model: string,
  error: string,
  coolUntil: (consecutive: number) => Date,
): Promise<Date> {
  const row = await trx
    .insertInto('model_health')
    .values({ model, consecutive_outages: 1, last_error: text(error).slice(0, 500) })
    .onConflict((c) =>
      c.column('model').doUpdateSet({
        // Calls that were under way when the cool-down began tell nothing new: one outage counts once.
        consecutive_outages: sql<number>`model_health.consecutive_outages
          + case when model_health.cooling_until > now() then 0 else 1 end`,
        last_error: text(error).slice(0, 500),
        updated_at: sql<Date>`now()`,
      }),
    )
    .returning(['consecutive_outages', 'cooling_until'])
    .executeTakeFirstOrThrow();
  const asked = coolUntil(row.consecutive_outages);
  const until = row.cooling_until && row.cooling_until > asked ? row.cooling_until : asked;
  await trx.updateTable('model_health').set({ cooling_until: until }).where('model', '=', model).execute();
  return until;
}

/** Statement that forgets the outages of models that answered. */
export function recoveriesStep(models: readonly string[]): RawBuilder<unknown> {
  return sql`
    update model_health set consecutive_outages = 0, cooling_until = null, updated_at = now()
    where model = any(${[...new Set(models)].sort()}) and consecutive_outages > 0`;
}
