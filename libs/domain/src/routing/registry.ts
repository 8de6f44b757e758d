import { AcrError } from '../errors';
import { dimensionBest, epsilonGreedy } from './dimension-best';
import { cheapestFirst, fixedChain, priorOrder } from './fixed-chain';
import { hierarchicalOptimistic } from './hierarchical';
import { hierarchicalInformation } from './information-directed';
import { knn } from './knn';
import { linTs, linUcb } from './linear-bandits';
import { llmFewShot, llmStatistics, llmZeroShot } from './llm-router';
import { logistic } from './logistic';
import type { Policy, PolicyFactory, PolicySetup } from './policy';
import { withSoundInput } from './sound-input';
import { alwaysPolicy, cheapest, random, strongest } from './static-policies';
import { verifyEscalate } from './verify-escalate';
import { voteEnsemble } from './vote-ensemble';

/** Every policy of the product; the live orchestrator and the benchmark build them from here. */
export const POLICIES: readonly PolicyFactory[] = [
  voteEnsemble,
  verifyEscalate,
  hierarchicalOptimistic,
  hierarchicalInformation,
  linUcb,
  linTs,
  epsilonGreedy,
  knn,
  logistic,
  dimensionBest,
  strongest,
  cheapest,
  random,
  priorOrder,
  cheapestFirst,
  fixedChain,
  llmZeroShot,
  llmFewShot,
  llmStatistics,
];

const ALWAYS = 'always:';

/**
 * Builds a policy by name; `always:<model>` is one that uses this model for everything.
 * @throws AcrError ACR_CONFIG_INVALID listing the known names when there is none of that name.
 */
export function createPolicy(name: string, setup: PolicySetup): Policy {
  if (name.startsWith(ALWAYS)) {
    return withSoundInput(alwaysPolicy(name, name.slice(ALWAYS.length), setup));
  }
  const factory = POLICIES.find((f) => f.name === name);
  if (!factory) {
    const known = [...POLICIES.map((f) => f.name), `${ALWAYS}<model>`].join(', ');
    throw new AcrError('ACR_CONFIG_INVALID', `There is no policy "${name}". Known policies: ${known}.`);
  }
  return withSoundInput(factory.create(setup));
}

/**
 * The policy the product uses when the user names none: votes where one attempt must do, the joint model
 * where a failed check may be followed by another attempt.
 */
export function defaultPolicyName(limits: { maxAttempts: number }): string {
  return limits.maxAttempts > 1 ? verifyEscalate.name : voteEnsemble.name;
}
