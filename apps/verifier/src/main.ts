import { runService } from '@acrouter/service/run-service';
import { availableParallelism } from 'node:os';
import { AppModule } from './app.module';

void runService({
  name: 'verifier',
  module: AppModule,
  consumer: 'verifier',
  // A check is a process that computes: more at once than cores only makes them time out.
  concurrency: ({ env }) => ({ verify: env.ACR_CONCURRENCY ?? availableParallelism() }),
});
