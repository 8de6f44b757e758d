import { runService } from '@acrouter/service/run-service';
import { AppModule } from './app.module';
import { PROBLEM_OPTIONS } from './problem';
import { openQueueBoard } from './queue-board';

void runService({ name: 'gateway', module: AppModule, http: PROBLEM_OPTIONS, configure: openQueueBoard });
