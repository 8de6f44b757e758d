import { Module } from '@nestjs/common';
import { CommandWriter } from './command-writer';
import { DecideHandler } from './decide.handler';
import { DecideService } from './decide.service';
import { PolicyBook } from './policy-book';
import { Sweeper } from './sweeper';

@Module({
  controllers: [DecideHandler],
  providers: [DecideService, CommandWriter, PolicyBook, Sweeper],
})
export class AppModule {}
