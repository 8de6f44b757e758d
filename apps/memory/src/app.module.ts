import { rawEnv, type Env } from '@acrouter/config/env';
import { openEmbedder } from '@acrouter/embedding/open-embedder';
import { ENV } from '@acrouter/service/tokens';
import { Module } from '@nestjs/common';
import { ContextHandler } from './context.handler';
import { ContextService } from './context.service';
import { FeedbackHandler } from './feedback.handler';
import { FeedbackService } from './feedback.service';
import { IndexFollower } from './index-follower';
import { MemoryIndex } from './memory-index';
import { EMBEDDER } from './tokens';

@Module({
  controllers: [ContextHandler, FeedbackHandler],
  providers: [
    ContextService,
    FeedbackService,
    IndexFollower,
    MemoryIndex,
    { provide: EMBEDDER, inject: [ENV], useFactory: (env: Env) => openEmbedder(embedderOptions(env)) },
  ],
})
export class AppModule {}

function embedderOptions(env: Env) {
  const key = env.ACR_EMBEDDINGS_KEY_ENV;
  return {
    url: env.ACR_EMBEDDINGS_URL,
    model: env.ACR_EMBEDDINGS_MODEL,
    apiKey: key === undefined ? null : (rawEnv()[key] ?? null),
  };
}
