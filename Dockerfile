# One file, one image per target: gateway, orchestrator, executor, memory, verifier, migrate.
#   docker build --target gateway -t acrouter-gateway .
# All but the verifier are the same layers with another command, so that a node stores them once.
# What was tried of this without a Docker engine: docs/operations.md, scripts/try-images.mjs.

FROM node:24-bookworm-slim AS manifests
WORKDIR /app
COPY package.json package-lock.json ./
COPY apps apps
COPY libs libs
# Only what npm reads: a change of a source file must not install everything anew.
RUN find apps libs -type f ! -name package.json -delete && find apps libs -type d -empty -delete

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY --from=manifests /app ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY nx.json tsconfig.json ./
COPY scripts scripts
COPY apps apps
COPY libs libs
RUN NX_DAEMON=false node_modules/.bin/nx run-many -t build --outputStyle=static
# What runs: compiled files and package.json, no sources, nothing that only tests use.
RUN rm -rf node_modules libs/testing && find apps libs -depth -type d \( -name src -o -name node_modules \) -exec rm -rf {} +

# npm takes what a workspace's devDependencies name for production's when that is a workspace too: libs/testing would
# bring its containers along. So they are taken out of the manifests first.
# --omit=optional leaves out the embedded Postgres; native speed-ups of the queue's encoding go with it.
FROM node:24-bookworm-slim AS modules
WORKDIR /app
COPY --from=manifests /app ./
RUN rm -rf libs/testing && node -e "const fs = require('fs'); for (const file of process.argv.slice(1)) { const it = JSON.parse(fs.readFileSync(file)); delete it.devDependencies; fs.writeFileSync(file, JSON.stringify(it)); }" apps/*/package.json libs/*/package.json
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund \
      --workspace apps/gateway --workspace apps/orchestrator --workspace apps/executor \
      --workspace apps/memory --workspace apps/verifier --workspace apps/cli \
    && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.md' \) -delete

FROM node:24-bookworm-slim AS service
RUN apt-get update && apt-get install -y --no-install-recommends tini && rm -rf /var/lib/apt/lists/*
WORKDIR /app
ENV NODE_ENV=production NODE_OPTIONS=--enable-source-maps ACR_HTTP_HOST=0.0.0.0 ACR_HTTP_PORT=8700
# Also the packages that npm put into an app's own node_modules.
COPY --from=modules /app ./
COPY --from=build /app/apps apps
COPY --from=build /app/libs libs
COPY LICENSE ./
COPY examples examples
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
EXPOSE 8700
HEALTHCHECK --interval=10s --timeout=4s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.ACR_HTTP_PORT}/readyz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# tini reaps the orphans of killed checks and passes SIGTERM on; the services stop on it by themselves.
ENTRYPOINT ["tini", "--"]

FROM service AS gateway
CMD ["node", "apps/gateway/dist/main.js"]

FROM service AS orchestrator
CMD ["node", "apps/orchestrator/dist/main.js"]

FROM service AS executor
CMD ["node", "apps/executor/dist/main.js"]

FROM service AS memory
CMD ["node", "apps/memory/dist/main.js"]

# Runs model output: docs/operations.md, "The verifier's sandbox", says what its container must be allowed.
FROM service AS verifier
USER root
RUN apt-get update && apt-get install -y --no-install-recommends bubblewrap git python3 && rm -rf /var/lib/apt/lists/*
USER 10001:10001
CMD ["node", "apps/verifier/dist/main.js"]

# `docker run … migrate`, `… keys create`, `… dlq list`: the command line, without the embedded Postgres.
FROM service AS migrate
HEALTHCHECK NONE
ENTRYPOINT ["tini", "--", "node", "apps/cli/bin/acr.mjs"]
CMD ["migrate"]
