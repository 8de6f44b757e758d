import { Module } from '@nestjs/common';
import { AttemptWriter } from './attempt-writer';
import { CallMeter } from './call-meter';
import { ExecuteHandler } from './execute.handler';
import { ExecuteService } from './execute.service';
import { ModelClients } from './model-clients';

@Module({
  controllers: [ExecuteHandler],
  providers: [ExecuteService, AttemptWriter, ModelClients, CallMeter],
})
export class AppModule {}
