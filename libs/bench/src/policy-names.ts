import { suggestion } from '@acrouter/config/schema-issues';
import { AcrError } from '@acrouter/domain/errors';
import { POLICIES } from '@acrouter/domain/routing/registry';
import type { Benchmark } from './benchmark';

/** Routers that ask an LLM: they cannot be replayed without one. */
const NEEDS_LLM = /^llm-/;

/** Every policy that can be replayed without calling a model; `always:<model>` comes on top. */
export function replayablePolicies(): string[] {
  return POLICIES.map((p) => p.name).filter((name) => !NEEDS_LLM.test(name));
}

/** What names may stand for beside the policies themselves. */
interface Known {
  models: readonly { id: string }[];
  /** Recorded decisions, where they may be named. */
  recorded?: Benchmark['recorded'];
}

/**
 * The names once each, when all of them can be replayed here.
 * @throws AcrError ACR_INVALID_REQUEST naming the ones that cannot, what they may have meant, and what there is
 */
export function checkPolicyNames(names: readonly string[], { models, recorded = [] }: Known): string[] {
  const known = [...replayablePolicies(), ...recorded.map((r) => r.name)];
  const always = models.map((m) => `always:${m.id}`);
  const all = [...known, ...always];
  const unknown = [...new Set(names)].filter((name) => !all.includes(name));
  if (unknown.length === 0) return [...new Set(names)];
  const said = unknown.map((name) => `"${name}"${suggestion(name, all)}`).join(', ');
  const llm = unknown.some((name) => NEEDS_LLM.test(name))
    ? ' Policies that ask an LLM ("llm-…") cannot be replayed: no model is called here.'
    : '';
  throw new AcrError(
    'ACR_INVALID_REQUEST',
    `There is no policy ${said} to replay here.${llm} Known: ${known.join(', ')}, or always:MODEL with one of ` +
      `${models.map((m) => m.id).join(', ')}.`,
  );
}
