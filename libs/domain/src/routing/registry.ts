import { AcrError } from '../errors';
import { cheapestFirst, fixedChain, priorOrder } from './fixed-chain';
import { hierarchicalOptimistic } from './hierarchical';
import type { Policy, PolicyFactory, PolicySetup } from './policy';
import { verifyEscalate } from './verify-escalate';
import { voteEnsemble } from './vote-ensemble';

/** Every policy of the product; the live orchestrator and the benchmark build them from here. */
export const POLICIES: readonly PolicyFactory[] = [
  voteEnsemble,
  verifyEscalate,
  hierarchicalOptimistic,
  fixedChain,
  priorOrder,
  cheapestFirst,
];

/**
 * Builds a policy by name.
 * @throws AcrError ACR_CONFIG_INVALID listing the known names when there is none of that name.
 */
export function createPolicy(name: string, setup: PolicySetup): Policy {
  const factory = POLICIES.find((f) => f.name === name);
  if (!factory) {
    const known = POLICIES.map((f) => f.name).join(', ');
    throw new AcrError('ACR_CONFIG_INVALID', `There is no policy "${name}". Known policies: ${known}.`);
  }
  return factory.create(setup);
}

/**
 * The policy the product uses when the user names none: votes where one attempt must do, the joint model
 * where a failed check may be followed by another attempt.
 */
export function defaultPolicyName(limits: { maxAttempts: number }): string {
  return limits.maxAttempts > 1 ? verifyEscalate.name : voteEnsemble.name;
}
