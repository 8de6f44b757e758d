import { Module } from '@nestjs/common';
import { AskedModels } from './asked-models';
import { CallMeter } from './call-meter';
import { CheckMeter } from './check-meter';
import { Checker } from './checker';
import { ConsistencyService } from './consistency.service';
import { JudgeService } from './judge.service';
import { OpinionsService } from './opinions.service';
import { PaidCalls } from './paid-calls';
import { TrustBook } from './trust-book';
import { VerifyHandler } from './verify.handler';
import { VerifyService } from './verify.service';

@Module({
  controllers: [VerifyHandler],
  providers: [
    VerifyService,
    Checker,
    CheckMeter,
    OpinionsService,
    ConsistencyService,
    JudgeService,
    TrustBook,
    PaidCalls,
    AskedModels,
    CallMeter,
  ],
})
export class AppModule {}
