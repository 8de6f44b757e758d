import { runService } from '@acrouter/service/run-service';
import { AppModule } from './app.module';
import { modelQueues } from './model-queues';

void runService({
  name: 'executor',
  module: AppModule,
  consumer: 'executor',
  keys: (context) => ({ execute: modelQueues(context.models.models, context.env.ACR_CONCURRENCY) }),
});
