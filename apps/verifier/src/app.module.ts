import { Module } from '@nestjs/common';
import { Checker } from './checker';
import { VerifyHandler } from './verify.handler';
import { VerifyService } from './verify.service';

@Module({
  controllers: [VerifyHandler],
  providers: [VerifyService, Checker],
})
export class AppModule {}
