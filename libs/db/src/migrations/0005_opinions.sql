-- Replies that a check paid for (a judge's opinion, a further sample), kept so that a repeated check does not pay
-- again. `kind` is that of the ledger's line; `nonce` the word that the reply had to repeat.
create table opinions (
  task_id    text not null references tasks (id) on delete cascade,
  attempt    int not null,
  kind       text not null,
  tenant_id  text not null,
  model      text not null,
  call       int not null,
  nonce      text not null,
  reply      text not null,
  created_at timestamptz not null default now(),
  primary key (task_id, attempt, kind)
);

-- What a signal said of an answer whose truth given tests showed: how far each signal can be trusted is learnt
-- from these. `source` is the judge's model, '' for signals that nobody speaks.
create table calibration_pairs (
  task_id    text not null references tasks (id) on delete cascade,
  attempt    int not null,
  kind       text not null,
  source     text not null default '',
  tenant_id  text not null,
  dimension  text not null,
  said       double precision not null check (said between 0 and 1),
  was_right  boolean not null,
  created_at timestamptz not null default now(),
  primary key (task_id, attempt, kind)
);
create index calibration_pairs_by_signal on calibration_pairs (tenant_id, kind, source, created_at desc);
