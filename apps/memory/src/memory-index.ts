import type { Env } from '@acrouter/config/env';
import { toPoolModel, type ModelsFile } from '@acrouter/config/models-file';
import { bytesToVector } from '@acrouter/db/context-store';
import type { ExperienceRow } from '@acrouter/db/experience-store';
import type { Neighbour } from '@acrouter/domain/routing/policy';
import { isUnit, type Embedder } from '@acrouter/embedding/embedder';
import { VectorArena } from '@acrouter/embedding/vector-arena';
import { VectorIndex, type Match, type Search } from '@acrouter/embedding/vector-index';
import { ENV, MODELS } from '@acrouter/service/tokens';
import { Inject, Injectable } from '@nestjs/common';
import { EMBEDDER } from './tokens';

/** An experience as a recall needs it. */
type Entry = Omit<Neighbour, 'similarity'> & { simulated: boolean };

/** Similarities are told to six digits: a float32 has no more, and printed whole it is a third of what is stored. */
const SIMILARITY_STEPS = 1e6;

/** A task whose neighbours are wanted. */
export interface Question {
  tenantId: string;
  taskId: string;
  vector: Float32Array;
}

/** Why an experience was left out, or that it was not. */
export type Added = 'added' | 'other-embedder' | 'broken';

/**
 * This replica's copy of the memory: one exact index per tenant, bounded first in, first out. A cache of
 * Postgres, never the truth (must 10 of docs/architecture).
 */
@Injectable()
export class MemoryIndex {
  private readonly arena: VectorArena;
  private readonly tenants = new Map<string, VectorIndex<Entry>>();
  private readonly simulated: ReadonlyMap<string, boolean>;

  constructor(
    @Inject(ENV)
    private readonly env: Pick<Env, 'ACR_MEMORY_CAPACITY' | 'ACR_NEIGHBOURS' | 'ACR_SIMILARITY_THRESHOLD'>,
    @Inject(MODELS) pool: Pick<ModelsFile, 'models'>,
    @Inject(EMBEDDER) private readonly embedder: Embedder,
  ) {
    this.arena = new VectorArena(embedder.dimensions);
    this.simulated = new Map(pool.models.map(toPoolModel).map((m) => [m.id, m.simulated]));
  }

  /** Experiences held of a tenant. */
  sizeOf(tenantId: string): number {
    return this.tenants.get(tenantId)?.size ?? 0;
  }

  /** Adds an experience, unless its vector lives in another space or is damaged. Each must be added once. */
  add(row: ExperienceRow): Added {
    if (row.embedder !== this.embedder.id) return 'other-embedder';
    if (row.embedding.length !== 4 * this.embedder.dimensions) return 'broken';
    const vector = bytesToVector(row.embedding);
    if (!isUnit(vector)) return 'broken';
    this.indexOf(row.tenant_id).add(vector, {
      taskId: row.task_key,
      model: row.model,
      score: row.score,
      costUsd: row.cost_usd,
      simulated: row.simulated,
    });
    return 'added';
  }

  /**
   * For each question the tenant's experiences most like its task, best first. Only those of models that are in the
   * pool now, and of their kind: what a simulated model did says nothing about a real one. The task itself is left out.
   */
  recall(questions: readonly Question[]): Neighbour[][] {
    const answers = new Map<Question, Neighbour[]>();
    for (const [tenantId, asked] of Map.groupBy(questions, (q) => q.tenantId)) {
      const found = this.tenants.get(tenantId)?.searchAll(asked.map((q) => this.searchFor(q)));
      asked.forEach((question, i) => answers.set(question, (found?.[i] ?? []).map(toNeighbour)));
    }
    return questions.map((question) => answers.get(question) ?? []);
  }

  private searchFor({ taskId, vector }: Question): Search<Entry> {
    return {
      query: vector,
      k: this.env.ACR_NEIGHBOURS,
      threshold: this.env.ACR_SIMILARITY_THRESHOLD,
      accept: (e) => this.simulated.get(e.model) === e.simulated && e.taskId !== taskId,
    };
  }

  private indexOf(tenantId: string): VectorIndex<Entry> {
    const known = this.tenants.get(tenantId);
    if (known) return known;
    const index = new VectorIndex<Entry>(this.arena, this.env.ACR_MEMORY_CAPACITY);
    this.tenants.set(tenantId, index);
    return index;
  }
}

const toNeighbour = ({ entry: { taskId, model, score, costUsd }, similarity }: Match<Entry>): Neighbour => ({
  taskId,
  model,
  score,
  costUsd,
  similarity: Math.round(similarity * SIMILARITY_STEPS) / SIMILARITY_STEPS,
});
