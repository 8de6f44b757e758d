-- Accepted tasks wait in Postgres until the orchestrator lets them into the loop (docs/decisions/0007-fair-admission.md).
-- queued: admitted_at is null · in the loop: admitted_at is not null · both: settled_at is null
alter table runs add column priority smallint check (priority between 0 and 2);
alter table tasks
  -- 0 low, 1 normal, 2 high
  add column priority smallint not null default 1 check (priority between 0 and 2),
  add column admitted_at timestamptz,
  -- Its messages go before those that wait.
  add column expedited boolean not null default false;
update tasks set admitted_at = progressed_at where settled_at is null and phase <> 'context';

drop index tasks_unsettled;
create index tasks_in_flight on tasks (progressed_at) where settled_at is null and admitted_at is not null;
create index tasks_queued on tasks (tenant_id, priority, id) where settled_at is null and admitted_at is null;
-- Queued tasks that were cancelled or have a deadline.
create index tasks_leaving on tasks (least(cancel_requested_at, deadline_at))
  where settled_at is null and admitted_at is null and least(cancel_requested_at, deadline_at) is not null;

-- Start-time fair queuing over tenants and, within each, over priorities; libs/domain admission.ts.
create table tenant_shares (
  tenant_id   text primary key,
  weight      double precision not null default 1 check (weight > 0 and weight <= 1000),
  next_start  double precision not null default 0,
  class_time  double precision not null default 0,
  class_next  double precision[] not null default '{0,0,0}',
  admitted    bigint not null default 0
);
-- One row; whoever holds its lock admits.
create table admission_clock (
  only_row     boolean primary key default true check (only_row),
  virtual_time double precision not null default 0,
  -- Slow start: tasks allowed in the loop now, and those in it after the last round.
  pace         double precision not null default 0,
  in_flight    int not null default 0
);
insert into admission_clock default values;

alter table outbox add column expedited boolean not null default false;

-- Retention: prompts and answers of settled tasks are erased, later the rows are deleted (docs/operations.md).
alter table tasks add column erased_at timestamptz;
create index tasks_with_texts on tasks (settled_at) where settled_at is not null and erased_at is null;
create index tasks_without_texts on tasks (settled_at) where erased_at is not null;
-- What remains of deleted tasks and their calls: sums per UTC day of settlement.
create table task_days (
  tenant_id text not null,
  day       date not null,
  outcome   text not null,
  tasks     bigint not null,
  primary key (tenant_id, day, outcome)
);
create table ledger_days (
  tenant_id text not null,
  day       date not null,
  model     text not null,
  simulated boolean not null,
  calls     bigint not null,
  unknown_calls bigint not null,
  cost_usd  numeric(20, 12) not null,
  held_usd  numeric(20, 12) not null,
  input_tokens  bigint not null,
  output_tokens bigint not null,
  primary key (tenant_id, day, model, simulated)
);
