import type { ModelsFile } from '@acrouter/config/models-file';
import type { ConsistencySettings } from '@acrouter/config/verification-section';
import type { Database } from '@acrouter/db/client';
import { loadSamples } from '@acrouter/db/opinion-store';
import { distinctOpinions, type Opinion } from '@acrouter/domain/verification/agreement';
import { silent, type Finding, type Signal } from '@acrouter/domain/verification/signals';
import { requestFor } from '@acrouter/models/prompt';
import { DATABASE, MODELS } from '@acrouter/service/tokens';
import { isProbed, type Peer } from '@acrouter/verification/consistency';
import { Inject, Injectable } from '@nestjs/common';
import { AskedModels } from './asked-models';
import { Checker } from './checker';
import { isCondemned, wantsOpinion, type Judged } from './judged';
import { PaidCalls } from './paid-calls';

/** Another answer and whose it is. */
type Sampled = Peer & Opinion;

/** Compares an answer with others to its task: earlier ones, which are free, and samples, where configured. */
@Injectable()
export class ConsistencyService {
  private readonly settings: ConsistencySettings | null;

  constructor(
    @Inject(MODELS) pool: Pick<ModelsFile, 'verification'>,
    @Inject(DATABASE) private readonly db: Database,
    private readonly checker: Checker,
    private readonly calls: PaidCalls,
    private readonly models: AskedModels,
  ) {
    this.settings = pool.verification.consistency;
  }

  /** `null` when there is nothing to compare with, or no reason to. */
  async find(judged: Judged, signal: AbortSignal): Promise<Finding | null> {
    const { language } = judged.executed;
    if (!isProbed(language) || !wantsOpinion(judged, this.settings?.checkedShare ?? 0)) return null;
    const all = [...earlier(judged), ...(await this.samples(judged, signal))];
    if (all.length === 0) return null;
    const { model, answer } = judged.row;
    const own = { model, answer: answer ?? '' };
    const peers = distinctOpinions(own, all);
    if (peers.length === 0)
      return silent('consistency', 'unavailable', `every other answer is the same text from ${model} again`);
    return this.checker.compare(judged.checkable, language, own.answer, peers, signal);
  }

  /** The task's samples: asked for once per task, by the check of whichever attempt needs them first. */
  private async samples({ task, row }: Judged, signal: AbortSignal): Promise<Sampled[]> {
    if (!this.settings) return [];
    const { model, samples } = this.settings;
    const found = (await loadSamples(this.db, task.id)).map((s) => s.reply);
    const { maxOutputTokens } = this.models.get(model).entry.limits;
    const request = requestFor(task, maxOutputTokens);
    for (let n = found.length + 1; n <= samples; n++) {
      const reply = await this.calls.ask(
        {
          taskId: task.id,
          attempt: row.attempt,
          tenantId: task.tenant_id,
          runId: task.run_id,
          kind: `sample-${n}`,
          model,
          request: () => request,
        },
        signal,
      );
      if (reply.kind === 'none') break;
      found.push(reply.text);
    }
    return found.slice(0, samples).map((answer, i) => ({ name: `sample ${i + 1}`, model, answer }));
  }
}

/** Earlier answers that nothing has found wrong: to agree with a wrong one would speak against an answer. */
function earlier({ attempts, row }: Judged): Sampled[] {
  return attempts
    .filter((a) => a.attempt < row.attempt && a.answer && !isCondemned((a.signals ?? []) as Signal[]))
    .map((a) => ({ name: `attempt ${a.attempt}`, model: a.model, answer: a.answer ?? '' }));
}
