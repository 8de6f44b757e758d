import { runService } from '@acrouter/service/run-service';
import { availableParallelism } from 'node:os';
import { AppModule } from './app.module';

/** Deliveries per core where a judge or further samples are asked for: those wait for the network most of the time. */
const WAITING_PER_CORE = 4;

void runService({
  name: 'verifier',
  module: AppModule,
  consumer: 'verifier',
  // However many deliveries there are, the checker runs no more sandboxes than it has cores.
  concurrency: ({ env, models }) => {
    const cores = env.ACR_CONCURRENCY ?? availableParallelism();
    const { judge, consistency } = models.verification;
    return { verify: judge || consistency ? cores * WAITING_PER_CORE : cores };
  },
});
