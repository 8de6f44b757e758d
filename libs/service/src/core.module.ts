import { type DynamicModule, Module } from '@nestjs/common';
import { Cancellations } from '@acrouter/queue/cancellations';
import { QueuePublisher } from '@acrouter/queue/publisher';
import { Metrics } from '@acrouter/telemetry/metrics';
import { Tracing } from '@acrouter/telemetry/tracing';
import { HealthController } from './health.controller';
import { OutboxRelay } from './outbox-relay';
import { DATABASE, ENV, LOGGER, MODELS, QUEUE, READINESS, SCRAPE_HOOKS } from './tokens';
import type { Readiness } from './readiness';
import type { ServiceContext } from './service-context';

/** Makes the context's parts injectable everywhere in a service, and serves health and metrics. */
@Module({})
export class CoreModule {
  static with(context: ServiceContext, readiness: Readiness): DynamicModule {
    const providers = [
      { provide: ENV, useValue: context.env },
      { provide: LOGGER, useValue: context.log },
      { provide: DATABASE, useValue: context.db },
      { provide: QUEUE, useValue: context.queue },
      { provide: MODELS, useValue: context.models },
      { provide: READINESS, useValue: readiness },
      { provide: SCRAPE_HOOKS, useValue: [] },
      { provide: Metrics, useValue: context.metrics },
      { provide: Tracing, useValue: context.tracing },
      { provide: QueuePublisher, useValue: context.publisher },
      { provide: OutboxRelay, useValue: context.relay },
      { provide: Cancellations, useValue: context.cancellations },
    ];
    return {
      module: CoreModule,
      global: true,
      controllers: [HealthController],
      providers,
      exports: providers,
    };
  }
}
