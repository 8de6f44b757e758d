import type { ModelsFile } from '@acrouter/config/models-file';
import type { ModelList, ModelView } from '@acrouter/contracts/http';
import type { Database } from '@acrouter/db/client';
import { loadHealth, type HealthRow } from '@acrouter/db/health-store';
import { DATABASE, MODELS } from '@acrouter/service/tokens';
import { Controller, Get, Inject, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { callerOf } from './tenant';

/** `GET /v1/models`: the pool, with prices and who is left alone after outages. */
@Controller('v1/models')
export class ModelsController {
  private readonly createdAtSeconds = Math.floor(Date.now() / 1_000);

  constructor(
    @Inject(DATABASE) private readonly db: Database,
    @Inject(MODELS) private readonly pool: ModelsFile,
  ) {}

  @Get()
  async list(@Req() request: FastifyRequest): Promise<ModelList> {
    const { admin } = callerOf(request);
    const health = new Map((await loadHealth(this.db)).map((h) => [h.model, h]));
    const data = this.pool.models.map((m): ModelView => ({
      id: m.id,
      object: 'model',
      created: this.createdAtSeconds,
      owned_by: m.provider,
      price: m.price,
      simulated: m.provider === 'simulated',
      strongest: m.id === this.pool.strongest,
      cooling: coolingOf(health.get(m.id), Date.now(), admin),
    }));
    return { object: 'list', data };
  }
}

/** A provider's message may quote the request that failed, which may be another tenant's: admins see it. */
function coolingOf(health: HealthRow | undefined, nowMs: number, admin: boolean): ModelView['cooling'] {
  if (!health?.cooling_until || health.cooling_until.getTime() <= nowMs) return null;
  return {
    until: health.cooling_until.toISOString(),
    consecutiveOutages: health.consecutive_outages,
    lastError: admin ? health.last_error : null,
  };
}
