import type { Env } from '@acrouter/config/env';
import type { ModelsFile } from '@acrouter/config/models-file';
import type { CheckedLanguage } from '@acrouter/domain/verification/languages';
import type { Finding } from '@acrouter/domain/verification/signals';
import { openSandbox } from '@acrouter/sandbox/open';
import { SANDBOX_KINDS, type LimitHit, type Sandbox } from '@acrouter/sandbox/sandbox';
import { ENV, LOGGER, MODELS } from '@acrouter/service/tokens';
import type { Logger } from '@acrouter/telemetry/log';
import { Metrics } from '@acrouter/telemetry/metrics';
import { consistencyFinding, type Peer } from '@acrouter/verification/consistency';
import { Repositories } from '@acrouter/verification/repository/repositories';
import type { CheckableTask, Verdict } from '@acrouter/verification/verdict';
import { verifyAnswer } from '@acrouter/verification/verify';
import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { pretendedVerdict, refusePretence } from './pretended';
import { Slots } from './slots';

/** An answer to be checked. */
interface ToCheck {
  task: CheckableTask;
  answer: string;
  /** Tests of the check that are known to be flaky; asked when one fails. */
  flaky?: () => Promise<ReadonlySet<string>>;
}

/**
 * Holds this process's sandbox. Without one on the machine the verifier still runs and refuses checks that
 * execute: tasks end as `unverified`, saying why, instead of running untrusted code bare (must 7).
 */
@Injectable()
export class Checker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private sandbox: Sandbox | null = null;
  private reason: string | undefined;
  private repositories: Repositories | null = null;
  /** A check is a process that computes: more at once than cores only makes them time out. */
  private readonly cores: Slots;

  constructor(
    @Inject(ENV) private readonly env: Env,
    @Inject(LOGGER) private readonly log: Logger,
    private readonly metrics: Metrics,
    @Inject(MODELS) pool: Pick<ModelsFile, 'models'>,
  ) {
    if (env.ACR_PRETEND_CHECK_MS !== undefined) refusePretence(pool.models);
    this.cores = new Slots(env.ACR_CONCURRENCY ?? availableParallelism());
    for (const reason of LIMITS) metrics.sandboxKills.inc({ reason }, 0);
  }

  async onApplicationBootstrap(): Promise<void> {
    if (this.env.ACR_PRETEND_CHECK_MS !== undefined) {
      this.log.warn('ACR_PRETEND_CHECK_MS is set: no answer is checked, all pass');
      return;
    }
    const { ACR_REPOSITORIES: root } = this.env;
    if (root !== undefined) this.repositories = await Repositories.open(root);
    try {
      const sandbox = await openSandbox({
        prefer: this.env.ACR_SANDBOX,
        allowUnsafe: this.env.ACR_ALLOW_UNSAFE,
      });
      this.sandbox = counted(sandbox, this.metrics);
      const languages = [...this.sandbox.languages.keys()];
      this.log.info({ sandbox: this.sandbox.kind, languages }, 'sandbox ready');
    } catch (error) {
      this.reason = (error as Error).message;
      this.log.error({ err: error }, 'no sandbox: checks that execute will be refused');
    }
    for (const kind of SANDBOX_KINDS)
      this.metrics.sandboxReady.set({ kind }, this.sandbox?.kind === kind ? 1 : 0);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.sandbox?.close();
    await this.repositories?.close();
  }

  async check({ task, answer, flaky }: ToCheck, signal: AbortSignal): Promise<Verdict> {
    const pretendMs = this.env.ACR_PRETEND_CHECK_MS;
    if (pretendMs !== undefined) {
      if (pretendMs > 0) await sleep(pretendMs, undefined, { signal });
      return pretendedVerdict(answer, pretendMs);
    }
    const { sandbox, reason: sandboxReason, repositories } = this;
    const deps = { sandbox, sandboxReason, repositories, token: randomUUID, signal, flaky };
    return this.cores.run(() => verifyAnswer(task, answer, deps));
  }

  /** How far an answer agrees with others to the same task. */
  compare(
    task: CheckableTask,
    language: CheckedLanguage | null,
    answer: string,
    peers: readonly Peer[],
    signal: AbortSignal,
  ): Promise<Finding> {
    const { sandbox } = this;
    return this.cores.run(() =>
      consistencyFinding(task, language, answer, peers, { sandbox, token: randomUUID, signal }),
    );
  }
}

/** Those that end a run, and `output`, which only cuts it. */
const LIMITS: readonly LimitHit[] = ['wall', 'cpu', 'memory', 'processes', 'output', 'flood', 'files'];

/** The same sandbox, its met limits counted. */
function counted(sandbox: Sandbox, metrics: Metrics): Sandbox {
  return {
    kind: sandbox.kind,
    languages: sandbox.languages,
    close: () => sandbox.close(),
    run: async (request, signal) => {
      const result = await sandbox.run(request, signal);
      for (const reason of result.limitsHit) metrics.sandboxKills.inc({ reason });
      return result;
    },
  };
}
