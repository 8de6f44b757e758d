import { Module } from '@nestjs/common';
import { AdmissionRounds } from './admission-rounds';
import { AdmissionService } from './admission.service';
import { CommandWriter } from './command-writer';
import { DecideHandler } from './decide.handler';
import { DecideService } from './decide.service';
import { Departures } from './departures';
import { PolicyBook } from './policy-book';
import { Retention } from './retention';
import { Sweeper } from './sweeper';

@Module({
  controllers: [DecideHandler],
  providers: [
    DecideService,
    CommandWriter,
    PolicyBook,
    Sweeper,
    Retention,
    AdmissionService,
    AdmissionRounds,
    Departures,
  ],
})
export class AppModule {}
