import { sql, type Selectable } from 'kysely';
import type { Executor } from './client';
import type { StatisticsTable } from './tables';

export type StatisticsRow = Selectable<StatisticsTable>;

/** The facts of one experience that the statistics count. */
export interface Observation {
  tenant_id: string;
  dimension: string;
  language: string;
  model: string;
  simulated: boolean;
  score: number;
  solved: boolean;
  /** USD; `null` = unknown, counted apart. */
  cost_usd: number | null;
  latency_ms: number | null;
}

type Sums = Omit<StatisticsRow, 'updated_at'>;

/** Adds observations to the running sums of their (tenant, dimension, language, model, simulated). */
export async function addToStatistics(trx: Executor, observations: readonly Observation[]): Promise<void> {
  if (observations.length === 0) return;
  await trx
    .insertInto('statistics')
    .values(sumUp(observations))
    .onConflict((c) =>
      c.columns(['tenant_id', 'dimension', 'language', 'model', 'simulated']).doUpdateSet({
        n: plus('n'),
        solved: plus('solved'),
        score_sum: plus('score_sum'),
        score_sq_sum: plus('score_sq_sum'),
        cost_n: plus('cost_n'),
        cost_sum_usd: plus('cost_sum_usd'),
        unknown_costs: plus('unknown_costs'),
        latency_n: plus('latency_n'),
        latency_sum_ms: plus('latency_sum_ms'),
        updated_at: sql<Date>`now()`,
      }),
    )
    .execute();
}

/** All statistics of a tenant about real (or simulated) models. */
export function readStatistics(db: Executor, tenantId: string, simulated: boolean): Promise<StatisticsRow[]> {
  return db
    .selectFrom('statistics')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('simulated', '=', simulated)
    .orderBy('dimension')
    .orderBy('language')
    .orderBy('model')
    .execute();
}

const plus = (column: keyof Sums) => sql<number>`statistics.${sql.ref(column)} + excluded.${sql.ref(column)}`;

/** One row per key, in the order of the keys: parallel writers lock in one order and cannot dead-lock. */
function sumUp(observations: readonly Observation[]): Sums[] {
  const byKey = new Map<string, Sums>();
  for (const o of observations) {
    const key = JSON.stringify([o.tenant_id, o.dimension, o.language, o.model, o.simulated]);
    const sums = byKey.get(key) ?? emptySums(o);
    byKey.set(key, sums);
    sums.n += 1;
    sums.solved += o.solved ? 1 : 0;
    sums.score_sum += o.score;
    sums.score_sq_sum += o.score ** 2;
    if (o.cost_usd === null) sums.unknown_costs += 1;
    else {
      sums.cost_n += 1;
      sums.cost_sum_usd += o.cost_usd;
    }
    if (o.latency_ms !== null) {
      sums.latency_n += 1;
      sums.latency_sum_ms += o.latency_ms;
    }
  }
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sums]) => sums);
}

function emptySums(o: Observation): Sums {
  return {
    tenant_id: o.tenant_id,
    dimension: o.dimension,
    language: o.language,
    model: o.model,
    simulated: o.simulated,
    n: 0,
    solved: 0,
    score_sum: 0,
    score_sq_sum: 0,
    cost_n: 0,
    cost_sum_usd: 0,
    unknown_costs: 0,
    latency_n: 0,
    latency_sum_ms: 0,
  };
}
