-- API keys. The key itself is never stored: `prefix` finds the row, `secret_hash` is the SHA-256 of the whole key.
create table api_keys (
  id           text primary key,
  tenant_id    text not null,
  name         text,
  prefix       text not null unique,
  secret_hash  bytea not null,
  scopes       text[] not null check (scopes <@ array['submit', 'read', 'feedback', 'admin']),
  -- Requests per minute; null = the gateway's default.
  requests_per_minute int check (requests_per_minute > 0),
  created_at   timestamptz not null default now(),
  expires_at   timestamptz,
  revoked_at   timestamptz
);
create index api_keys_by_tenant on api_keys (tenant_id, created_at);

-- Requests of each key in the current minute, over all gateways. Worth nothing after a crash, hence unlogged.
create unlogged table rate_windows (
  key_id       text primary key,
  window_start timestamptz not null,
  used         int not null
);
