import type { LearningExample, Neighbour, TaskContext } from '@acrouter/domain/routing/policy';

/** Source: arXiv 2606.22902, §3.3 and App. A. */
const NEIGHBOURS = 10;
const THRESHOLD = 0.5;
const CAPACITY = 20_000;

/** Similarities of tasks known by metadata only: same kind, same source, same dimension. */
const LADDER = [1, 0.85, 0.7] as const;

interface Entry {
  taskId: string;
  model: string;
  score: number;
  costUsd: number | null;
  features: Float32Array;
}

/**
 * The memory of a replayed stream. Tasks with features are compared by cosine; tasks without prompts by
 * their metadata (the latest experiences of the same kind first), which is all the released ID rows allow.
 */
export class ReplayMemory {
  private readonly entries: Entry[] = [];
  private readonly recent = new Map<string, Neighbour[]>();

  /** Up to 10 neighbours, nearest first, of other tasks than `taskId`. */
  recall(taskId: string, context: TaskContext): Neighbour[] {
    return context.features ? this.byCosine(taskId, context.features) : this.byMetadata(taskId, context);
  }

  add(example: LearningExample): void {
    const { taskId, model, score, costUsd, context } = example;
    if (context.features) {
      this.entries.push({ taskId, model, score, costUsd, features: context.features });
      if (this.entries.length > CAPACITY) this.entries.shift();
      return;
    }
    metadataKeys(context).forEach((key, i) => {
      const list = this.recent.get(key) ?? [];
      list.push({ taskId, model, score, costUsd, similarity: LADDER[i] ?? THRESHOLD });
      if (list.length > 4 * NEIGHBOURS) list.splice(0, 2 * NEIGHBOURS);
      this.recent.set(key, list);
    });
  }

  private byMetadata(taskId: string, context: TaskContext): Neighbour[] {
    const found: Neighbour[] = [];
    const seen = new Set<string>();
    for (const key of metadataKeys(context)) {
      const list = this.recent.get(key) ?? [];
      for (let i = list.length - 1; i >= 0 && found.length < NEIGHBOURS; i -= 1) {
        const neighbour = list[i] as Neighbour;
        const id = `${neighbour.taskId}\u0000${neighbour.model}`;
        if (neighbour.taskId === taskId || seen.has(id)) continue;
        seen.add(id);
        found.push(neighbour);
      }
    }
    return found;
  }

  private byCosine(taskId: string, features: Float32Array): Neighbour[] {
    const best: Neighbour[] = [];
    for (const entry of this.entries) {
      if (entry.taskId === taskId) continue;
      const similarity = dot(entry.features, features);
      if (similarity < THRESHOLD) continue;
      const { model, score, costUsd } = entry;
      const last = best[best.length - 1];
      if (best.length >= NEIGHBOURS && last && similarity <= last.similarity) continue;
      best.push({ taskId: entry.taskId, model, score, costUsd, similarity });
      best.sort((a, b) => b.similarity - a.similarity);
      if (best.length > NEIGHBOURS) best.pop();
    }
    return best;
  }
}

function metadataKeys(context: TaskContext): string[] {
  const { dimension, source, language, difficulty } = context;
  return [
    `${dimension}:${source ?? ''}:${language}:${difficulty ?? ''}`,
    `${dimension}:${source ?? ''}`,
    dimension,
  ];
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}
