import type { VerificationSettings } from '@acrouter/config/verification-section';
import type { ModelsFile } from '@acrouter/config/models-file';
import type { CallKind } from '@acrouter/db/ledger-store';
import {
  addressesJudge,
  comparisonQuestion,
  gradeQuestion,
  MAX_JUDGED_CHARACTERS,
  readGrade,
  readPreference,
  settleOrders,
  type JudgeQuestion,
} from '@acrouter/domain/verification/judge';
import { silent, speaks, type Finding, type Signal } from '@acrouter/domain/verification/signals';
import { MODELS } from '@acrouter/service/tokens';
import { Inject, Injectable } from '@nestjs/common';
import { wantsOpinion, type Judged } from './judged';
import { PaidCalls, type Reply } from './paid-calls';

/** Asks the configured judge, where its word can matter or teaches what it is worth. */
@Injectable()
export class JudgeService {
  private readonly settings: VerificationSettings;

  constructor(
    @Inject(MODELS) pool: Pick<ModelsFile, 'verification'>,
    private readonly calls: PaidCalls,
  ) {
    this.settings = pool.verification;
  }

  /** The judge's finding; `null` when it is not asked. Never a failure because of the judge's own trouble. */
  async find(judged: Judged, signal: AbortSignal): Promise<Finding | null> {
    const { judge } = this.settings;
    if (!judge || !wantsOpinion(judged, judge.checkedShare)) return null;
    const { task, row } = judged;
    const answer = row.answer ?? '';
    if (row.model === judge.model)
      return silent(
        'judge',
        'unavailable',
        `${judge.model} gave the answer and does not grade itself; name another model as verification.judge`,
      );
    if (task.prompt.length > MAX_JUDGED_CHARACTERS || answer.length > MAX_JUDGED_CHARACTERS)
      return silent(
        'judge',
        'unavailable',
        `longer than the ${MAX_JUDGED_CHARACTERS} characters that a judge is shown`,
      );
    const ask = (kind: CallKind, question: (nonce: string) => JudgeQuestion) =>
      this.calls.ask(
        {
          taskId: task.id,
          attempt: row.attempt,
          tenantId: task.tenant_id,
          runId: task.run_id,
          kind,
          model: judge.model,
          request: (nonce) => ({ ...question(nonce), maxOutputTokens: judge.maxOutputTokens }),
        },
        signal,
      );
    const finding = graded(judged, await ask('judge', (nonce) => gradeQuestion(task.prompt, answer, nonce)));
    const rival = judge.compare && speaks(finding) ? rivalOf(judged) : null;
    if (!rival) return finding;
    const forward = await ask('judge-forward', (n) =>
      comparisonQuestion(task.prompt, answer, rival.answer, n),
    );
    const backward = await ask('judge-backward', (n) =>
      comparisonQuestion(task.prompt, rival.answer, answer, n),
    );
    return compared(finding, rival, forward, backward);
  }
}

function graded({ row }: Judged, reply: Reply): Finding {
  if (reply.kind === 'none') return silent('judge', 'unavailable', reply.reason);
  const grade = readGrade(reply.text, reply.nonce);
  const paid = { model: reply.model, costUsd: reply.costUsd };
  if (grade.kind === 'unreadable')
    return { ...silent('judge', 'unavailable', grade.reason), evidence: { reason: grade.reason, ...paid } };
  const { score, points, manipulation, reason } = grade;
  const notes = {
    ...(manipulation ? { manipulation } : {}),
    ...(addressesJudge(row.answer ?? '') ? { addressesJudge: true } : {}),
  };
  return {
    kind: 'judge',
    status: score >= 0.5 ? 'passed' : 'failed',
    score,
    evidence: { message: reason, points, ...notes, ...paid },
  };
}

interface Rival {
  attempt: number;
  answer: string;
  /** What the judge said of it. */
  score: number;
}

/** The task's best earlier answer by the judge's word; `null` without one. */
function rivalOf({ attempts, row }: Judged): Rival | null {
  const graded = attempts.flatMap((a): Rival[] => {
    const signal = ((a.signals ?? []) as Signal[]).find((s) => s.kind === 'judge' && speaks(s));
    if (!signal || a.attempt >= row.attempt || !a.answer) return [];
    const said = Number(signal.evidence['said'] ?? signal.score);
    return [{ attempt: a.attempt, answer: a.answer, score: said }];
  });
  return graded.reduce<Rival | null>((best, r) => (best && best.score >= r.score ? best : r), null);
}

/** Least distance that a comparison puts between two grades. */
const APART = 0.01;

/** A grade made to agree with what both orders of a comparison said; a tie, or silence, leaves it as it was. */
export function compared(finding: Finding, rival: Rival, forward: Reply, backward: Reply): Finding {
  const said = (reply: Reply) => (reply.kind === 'reply' ? readPreference(reply.text, reply.nonce) : null);
  const orders = { forward: said(forward), backward: said(backward) };
  const outcome = settleOrders(orders.forward, orders.backward);
  const grade = finding.score ?? 0;
  const moved =
    outcome === 'better'
      ? Math.min(1, Math.max(grade, rival.score + APART))
      : outcome === 'worse'
        ? Math.max(0, Math.min(grade, rival.score - APART))
        : grade;
  const comparison = { attempt: rival.attempt, ...orders, outcome: outcome ?? 'unreadable' };
  return { ...finding, score: moved, evidence: { ...finding.evidence, graded: grade, comparison } };
}
