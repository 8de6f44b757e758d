/**
 * Self-consistency: how far several answers to one task agree on the same inputs (arXiv 2606.22902, App. A: "agreement
 * of k samples"). Wrong answers seldom go wrong in the same way, so agreement speaks for an answer; it proves nothing.
 */

/** Digest of a result that cannot be compared, such as an object of the answer's own class. */
export const INCOMPARABLE = '?';
/** First character of the digest of a call that raised an error. */
export const RAISED = '!';

/** An answer and the model that gave it. */
export interface Opinion {
  model: string;
  answer: string;
}

/**
 * Those of `others`, in their order, that are opinions of their own: the same text (but for white space around it)
 * from the same model is one opinion however often it was given, as at temperature 0 or from a provider's cache.
 */
export function distinctOpinions<T extends Opinion>(own: Opinion, others: readonly T[]): T[] {
  const keyOf = ({ model, answer }: Opinion) => JSON.stringify([model, answer.trim()]);
  const known = new Set([keyOf(own)]);
  return others.filter((other) => {
    const key = keyOf(other);
    return !known.has(key) && known.add(key);
  });
}

/** How one answer agrees with the others. */
export interface Agreement {
  /** Mean share of inputs on which another answer gave the same result, in [0, 1]. */
  share: number;
  /** The same per other answer, in their order. */
  withEach: number[];
  /** Indices of the inputs that were compared. */
  inputs: number[];
}

/**
 * Agreement of the answer with digests `own` (one per input) with `others`. Inputs count on which its result can be
 * compared, and on which not every answer raised an error: those are no valid inputs. `null` when none are left.
 */
export function agreementOf(
  own: readonly string[],
  others: readonly (readonly string[])[],
): Agreement | null {
  const all = [own, ...others];
  const inputs = own.flatMap((digest, i) => {
    const invalid = all.every((digests) => digests[i]?.startsWith(RAISED));
    return digest.startsWith(INCOMPARABLE) || invalid ? [] : [i];
  });
  if (inputs.length === 0 || others.length === 0) return null;
  const withEach = others.map(
    (digests) => inputs.filter((i) => digests[i] === own[i]).length / inputs.length,
  );
  return { share: withEach.reduce((a, b) => a + b, 0) / withEach.length, withEach, inputs };
}
