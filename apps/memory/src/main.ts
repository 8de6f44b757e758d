import { runService } from '@acrouter/service/run-service';
import { AppModule } from './app.module';

void runService({ name: 'memory', module: AppModule, consumer: 'memory' });
