import type { LearningExample, Neighbour, TaskContext } from '@acrouter/domain/routing/policy';
import { VectorArena } from '@acrouter/embedding/vector-arena';
import { DEFAULT_CAPACITY, VectorIndex } from '@acrouter/embedding/vector-index';

/** Source: arXiv 2606.22902, §3.3 and App. A. */
const NEIGHBOURS = 10;

/** Similarities of tasks known by metadata only: same kind, same source, same dimension. */
const LADDER = [1, 0.85, 0.7] as const;

type Entry = Omit<Neighbour, 'similarity'>;

/** One per length of vectors and thread; each of a WebAssembly memory sets gigabytes of address space aside. */
const ARENAS = new Map<number, VectorArena>();

function arenaOf(dimensions: number): VectorArena {
  const known = ARENAS.get(dimensions) ?? new VectorArena(dimensions);
  ARENAS.set(dimensions, known);
  return known;
}

/**
 * The memory of a replayed stream. Tasks with features (an embedded prompt) are compared by cosine, in the index
 * that the memory service uses; tasks without a prompt by their metadata (the latest experiences of the same kind
 * first), which is all the released ID rows allow.
 */
export class ReplayMemory {
  private index: VectorIndex<Entry> | null = null;
  private readonly recent = new Map<string, Neighbour[]>();

  /** Up to 10 neighbours, nearest first, of other tasks than `taskId`. */
  recall(taskId: string, context: TaskContext): Neighbour[] {
    if (!context.features) return this.byMetadata(taskId, context);
    const matches = this.index?.search(context.features, {
      k: NEIGHBOURS,
      accept: (entry) => entry.taskId !== taskId,
    });
    return (matches ?? []).map(({ entry, similarity }) => ({ ...entry, similarity }));
  }

  add({ taskId, model, score, costUsd, context }: LearningExample): void {
    const entry = { taskId, model, score, costUsd };
    if (context.features) {
      this.index ??= new VectorIndex<Entry>(arenaOf(context.features.length), DEFAULT_CAPACITY);
      this.index.add(context.features, entry);
      return;
    }
    metadataKeys(context).forEach((key, i) => {
      const list = this.recent.get(key) ?? [];
      list.push({ ...entry, similarity: LADDER[i] ?? 0 });
      if (list.length > 4 * NEIGHBOURS) list.splice(0, 2 * NEIGHBOURS);
      this.recent.set(key, list);
    });
  }

  /** Forgets everything and gives its memory back to the next stream. */
  close(): void {
    this.index?.clear();
    this.recent.clear();
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
}

function metadataKeys(context: TaskContext): string[] {
  const { dimension, source, language, difficulty } = context;
  return [
    `${dimension}:${source ?? ''}:${language}:${difficulty ?? ''}`,
    `${dimension}:${source ?? ''}`,
    dimension,
  ];
}
