-- The truth of ACRouter. Money is numeric in USD; "cost unknown" is NULL and never 0.
-- Vectors are float4 little-endian bytes (one bytea of 4·d bytes, unit length).

create table runs (
  id            text primary key,
  tenant_id     text not null,
  name          text,
  max_cost_usd  numeric(20, 12),
  task_count    int not null default 0,
  metadata      jsonb not null default '{}',
  created_at    timestamptz not null default now(),
  cancelled_at  timestamptz
);
create index runs_by_tenant on runs (tenant_id, created_at desc);

create table tasks (
  id            text primary key,
  tenant_id     text not null,
  run_id        text references runs (id),
  external_id   text,
  prompt        text not null,
  language      text,
  dimension     text,
  source        text,
  verification  jsonb,
  metadata      jsonb not null default '{}',
  max_attempts  int not null,
  max_outages   int not null,
  max_cost_usd  numeric(20, 12),
  deadline_at   timestamptz,
  cost_weight   double precision not null,
  traceparent   text,
  -- The loop's state (libs/domain loop.ts), changed by the orchestrator only, one version per step.
  state         jsonb not null,
  state_version int not null default 0,
  -- Copied out of the state when it changes, so that they can be queried.
  phase         text not null,
  outcome       text,
  solved        boolean,
  score         double precision,
  final_attempt int,
  cancel_requested_at timestamptz,
  created_at    timestamptz not null default now(),
  progressed_at timestamptz not null default now(),
  -- Times the sweeper published it again since it last moved; each doubles the wait for the next.
  sweeps        int not null default 0,
  settled_at    timestamptz
);
create index tasks_by_run on tasks (run_id, created_at);
create index tasks_by_tenant on tasks (tenant_id, created_at desc);
create index tasks_by_external_id on tasks (tenant_id, external_id, created_at desc);
create index tasks_unsettled on tasks (progressed_at) where settled_at is null;

-- What memory recalled for a task, once.
create table contexts (
  task_id     text primary key references tasks (id) on delete cascade,
  dimension   text not null,
  language    text not null,
  -- 'given' by the submitter or 'inferred' from the prompt.
  dimension_by text not null,
  embedding   bytea not null,
  neighbours  jsonb not null,
  created_at  timestamptz not null default now()
);

-- Every choice, with all that is needed to explain it and to evaluate another policy on it.
create table decisions (
  task_id        text not null references tasks (id) on delete cascade,
  turn           int not null,
  action         text not null check (action in ('attempt', 'stop', 'wait')),
  attempt        int,
  model          text,
  probability    double precision,
  explored       boolean not null default false,
  policy         text not null,
  policy_version text not null,
  reason         text not null,
  candidates     jsonb not null,
  neighbours     jsonb not null,
  attempts_left  int not null,
  budget_left_usd numeric(20, 12),
  cost_weight    double precision not null,
  decide_ms      double precision not null,
  created_at     timestamptz not null default now(),
  primary key (task_id, turn)
);

create table attempts (
  task_id       text not null references tasks (id) on delete cascade,
  attempt       int not null,
  model         text not null,
  -- executing → answered → verified → recorded; or outage, over-budget, cancelled.
  status        text not null,
  -- Fencing: only the holder of the newest lease may write. Renewed while the call runs.
  lease_token   text,
  lease_until   timestamptz,
  answer        text,
  response_model text,
  finish_reason text,
  input_tokens  int,
  output_tokens int,
  cached_input_tokens int,
  reasoning_tokens int,
  -- Sum over the attempt's calls whose cost is known; unknown ones are counted beside it.
  cost_usd      numeric(20, 12),
  unknown_calls int not null default 0,
  latency_ms    double precision,
  error         jsonb,
  passed        boolean,
  score         double precision,
  confidence    double precision,
  signals       jsonb,
  verdict       jsonb,
  decided_at    timestamptz not null default now(),
  started_at    timestamptz,
  answered_at   timestamptz,
  verified_at   timestamptz,
  recorded_at   timestamptz,
  primary key (task_id, attempt)
);

-- One line per call to a provider (must 4), written before the request leaves.
create table ledger (
  task_id       text not null references tasks (id) on delete cascade,
  attempt       int not null,
  call          int not null,
  kind          text not null default 'completion',
  tenant_id     text not null,
  run_id        text,
  model         text not null,
  -- reserved: not sent yet · sent: in flight · settled: usage known · unknown: usage never reported · released: never sent
  state         text not null check (state in ('reserved', 'sent', 'settled', 'unknown', 'released')),
  reserved_usd  numeric(20, 12) not null,
  -- Part of the reservation still held against budgets: for an unknown call that may have been billed.
  held_usd      numeric(20, 12) not null,
  cost_usd      numeric(20, 12),
  input_tokens  int,
  output_tokens int,
  cached_input_tokens int,
  reasoning_tokens int,
  status_code   int,
  error         text,
  price         jsonb not null,
  simulated     boolean not null default false,
  latency_ms    double precision,
  created_at    timestamptz not null default now(),
  sent_at       timestamptz,
  finished_at   timestamptz,
  primary key (task_id, attempt, call, kind),
  check ((state = 'settled') = (cost_usd is not null))
);
create index ledger_by_run on ledger (run_id);
create index ledger_by_tenant on ledger (tenant_id, created_at);

-- Budgets by scope: 'task', 'run', 'tenant'. spent + held never passes limit_usd (must 6).
create table budgets (
  scope      text not null check (scope in ('task', 'run', 'tenant')),
  scope_id   text not null,
  limit_usd  numeric(20, 12) not null,
  held_usd   numeric(20, 12) not null default 0,
  spent_usd  numeric(20, 12) not null default 0,
  primary key (scope, scope_id),
  check (held_usd >= 0)
);

create table feedback (
  id         text primary key,
  tenant_id  text not null,
  task_id    text not null references tasks (id) on delete cascade,
  attempt    int not null,
  -- 'verifier' (one per attempt) or who else said it.
  source     text not null,
  metric     text not null,
  value      jsonb not null,
  tags       jsonb not null default '[]',
  reason     text,
  created_at timestamptz not null default now()
);
create unique index feedback_once on feedback (task_id, attempt) where source = 'verifier';
create index feedback_by_task on feedback (task_id);

create table experiences (
  id          bigint generated always as identity primary key,
  tenant_id   text not null,
  -- Task and attempt it came from, or a name given at import.
  task_key    text not null,
  attempt     int not null,
  dimension   text not null,
  language    text not null,
  source      text,
  model       text not null,
  score       double precision not null,
  solved      boolean not null,
  cost_usd    numeric(20, 12),
  latency_ms  double precision,
  embedding   bytea not null,
  embedder    text not null,
  simulated   boolean not null default false,
  created_at  timestamptz not null default now(),
  -- Commit order differs from id order; readers that follow the table look back by transaction id.
  xid         xid8 not null default pg_current_xact_id(),
  unique (tenant_id, task_key, attempt)
);
create index experiences_by_tenant on experiences (tenant_id, id);

create table statistics (
  tenant_id     text not null,
  dimension     text not null,
  language      text not null,
  model         text not null,
  n             bigint not null,
  solved        bigint not null,
  score_sum     double precision not null,
  score_sq_sum  double precision not null,
  cost_n        bigint not null,
  cost_sum_usd  double precision not null,
  unknown_costs bigint not null,
  latency_n     bigint not null,
  latency_sum_ms double precision not null,
  updated_at    timestamptz not null default now(),
  primary key (tenant_id, dimension, language, model)
);

-- Messages that belong to a committed change; published after the commit, kept until they are.
create table outbox (
  id          bigint generated always as identity primary key,
  queue       text not null,
  key         text,
  job_id      text not null,
  payload     jsonb not null,
  delay_ms    int not null default 0,
  traceparent text,
  created_at  timestamptz not null default now()
);

create table idempotency_keys (
  tenant_id   text not null,
  key         text not null,
  body_hash   text not null,
  status_code int,
  response    jsonb,
  created_at  timestamptz not null default now(),
  expires_at  timestamptz not null,
  primary key (tenant_id, key)
);
create index idempotency_keys_by_expiry on idempotency_keys (expires_at);

-- What happened, in order, for SSE and `acr watch`.
create table events (
  id        bigint generated always as identity primary key,
  tenant_id text not null,
  run_id    text,
  task_id   text not null,
  type      text not null,
  data      jsonb not null,
  at        timestamptz not null default now(),
  xid       xid8 not null default pg_current_xact_id()
);
create index events_by_run on events (run_id, id);
create index events_by_task on events (task_id, id);

-- Providers that failed lately. Shared by all executors; read by the orchestrator.
create table model_health (
  model         text primary key,
  cooling_until timestamptz,
  consecutive_outages int not null default 0,
  last_error    text,
  updated_at    timestamptz not null default now()
);

-- How long each stage of a task took and waited; one row per stage of a turn.
create table stages (
  task_id  text not null references tasks (id) on delete cascade,
  turn     int not null,
  stage    text not null,
  wait_ms  double precision not null,
  work_ms  double precision not null,
  at       timestamptz not null default now(),
  primary key (task_id, turn, stage)
);
