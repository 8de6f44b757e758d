import { DIMENSIONS, type Dimension } from '@acrouter/domain/task';
import { DEFAULT_WEIGHTS, weightsProblem, type SignalWeights } from '@acrouter/domain/verification/score';
import { z } from 'zod';

const weight = z.number();
const weightsSchema = z.strictObject({
  tests: weight.default(0),
  'prompt-tests': weight.default(0),
  syntax: weight.default(0),
  rules: weight.default(0),
  consistency: weight.default(0),
  judge: weight.default(0),
});
const share = z.number().min(0).max(1);
const outputTokens = z.number().int().min(64).max(100_000);

/** The section `verification` of models.yaml, as written. */
export const verificationSchema = z.strictObject({
  weights: z
    .strictObject({
      default: weightsSchema.optional(),
      ...(Object.fromEntries(DIMENSIONS.map((d) => [d, weightsSchema.optional()])) as Record<
        Dimension,
        z.ZodOptional<typeof weightsSchema>
      >),
    })
    .optional(),
  passOpinion: share.optional(),
  judge: z
    .strictObject({
      model: z.string(),
      checkedShare: share.default(0.1),
      compare: z.boolean().default(false),
      maxOutputTokens: outputTokens.default(1_024),
    })
    .optional(),
  consistency: z
    .strictObject({
      model: z.string(),
      samples: z.number().int().min(1).max(4).default(2),
      checkedShare: share.default(0.1),
    })
    .optional(),
});
type Written = z.output<typeof verificationSchema>;

/** An LLM that grades answers; see docs/verification.md. */
export interface JudgeSettings {
  /** Id of a model in the pool. */
  model: string;
  /** Share of the answers that given tests have judged which it grades too, so that its worth is learnt. Default 0.1. */
  checkedShare: number;
  /** Whether it also compares an answer with the task's best earlier one, in both orders. Default false. */
  compare: boolean;
  /** Output allowance of one reply; also what it reserves. Default 1,024. */
  maxOutputTokens: number;
}

/** Further answers that are asked for, to compare an answer with. */
export interface ConsistencySettings {
  /** Id of a model in the pool. */
  model: string;
  /** How many per task, 1 to 4. Default 2, with which agreement may decide. */
  samples: number;
  /** Share of the answers that given tests have judged which are compared too. Default 0.1. */
  checkedShare: number;
}

/** How answers are judged, complete. */
export interface VerificationSettings {
  weights: Record<Dimension, SignalWeights>;
  /** Least opinion with which an answer passes that nothing could run; absent: the default of libs/domain (0.7). */
  passOpinion?: number;
  /** `null` (the default): no judge is asked. */
  judge: JudgeSettings | null;
  /** `null` (the default): none; an answer is then compared with the task's earlier ones alone. */
  consistency: ConsistencySettings | null;
}

/** The section with its defaults. */
export function verificationOf(written: Written | undefined): VerificationSettings {
  const { weights = {}, passOpinion, judge, consistency } = written ?? {};
  return {
    weights: Object.fromEntries(
      DIMENSIONS.map((d) => [d, weights[d] ?? weights.default ?? DEFAULT_WEIGHTS[d]]),
    ) as Record<Dimension, SignalWeights>,
    ...(passOpinion === undefined ? {} : { passOpinion }),
    judge: judge ?? null,
    consistency: consistency ?? null,
  };
}

/** What is wrong with a section that has the right shape: keys from the root of the file, and what to do. */
export function verificationProblems(
  written: Written | undefined,
  models: readonly { id: string; provider: string }[],
): { path: PropertyKey[]; text: string }[] {
  const weights = Object.entries(written?.weights ?? {}).flatMap(([name, set]) => {
    const problem = set && weightsProblem(set);
    return problem ? [{ path: ['verification', 'weights', name], text: `is wrong: ${problem}` }] : [];
  });
  const asked = (['judge', 'consistency'] as const).flatMap((part) => {
    const id = written?.[part]?.model;
    const path = ['verification', part, 'model'];
    if (id === undefined) return [];
    const model = models.find((m) => m.id === id);
    if (!model)
      return [{ path, text: `"${id}" is not in the pool; one of: ${models.map((m) => m.id).join(', ')}` }];
    return model.provider === 'simulated' || model.provider === 'cli'
      ? [{ path, text: `"${id}" is ${model.provider}: only a model behind an API can be asked here` }]
      : [];
  });
  return [...weights, ...asked];
}
