import type { Failed, FailureKind } from './model-client';

interface Rule {
  says: RegExp;
  failure: FailureKind;
  retryable: boolean;
}

/** What agents print when something else than their work went wrong; the first that matches decides. */
const RULES: readonly Rule[] = [
  {
    says: /rate.?limit|too many requests|\b429\b|usage limit|quota|credit balance is too low/i,
    failure: 'rate-limited',
    retryable: true,
  },
  {
    says: /invalid (api |x-api-)?key|unauthori[sz]ed|\b401\b|\b403\b|not logged in|authenticat|\/login|api[_ ]key.{0,40}(missing|not set|required|invalid)|(missing|no) api[_ ]key/i,
    failure: 'auth',
    retryable: false,
  },
  {
    says: /overloaded|\b(500|502|503|504|529)\b|internal server error|service unavailable|bad gateway/i,
    failure: 'server-error',
    retryable: true,
  },
  {
    says: /ECONN(REFUSED|RESET)|ENOTFOUND|EAI_AGAIN|getaddrinfo|network (error|is unreachable)|connection (error|reset|refused|timed out)|stream disconnected/i,
    failure: 'connection',
    retryable: true,
  },
  {
    says: /unknown (option|argument|model|flag)|unexpected argument|unrecognized argument|model.{0,60}(not found|does not exist|not supported|is invalid)/i,
    failure: 'refused',
    retryable: false,
  },
];

/** Why a run of an agent that ended badly failed, from what it printed. */
export function agentFailure(said: string): Pick<Failed, 'failure' | 'retryable' | 'retryAfterMs'> {
  const rule = RULES.find(({ says }) => says.test(said));
  // A crash would crash again, and each run costs as much as a whole attempt.
  if (!rule) return { failure: 'broken-body', retryable: false };
  const wait = rule.failure === 'rate-limited' ? waitOf(said) : undefined;
  return {
    failure: rule.failure,
    retryable: rule.retryable,
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
  };
}

/** `try again in 20s`, `retry after 2 minutes`, `retry-after: 30`: ms, or `undefined`. */
function waitOf(said: string): number | undefined {
  const [, amount, unit = 's'] =
    /(?:try again in|retry.{0,2}after:?)\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h)?/i.exec(said) ?? [];
  if (amount === undefined) return undefined;
  const ms = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[unit.toLowerCase()] ?? 1_000;
  return Math.round(Number(amount) * ms);
}
