-- What the loop writes at every step costs less (docs/decisions/0015-grouped-writes.md).

-- Rows that change soon after they were written find room on their page: no index has to learn of the change.
alter table tasks set (fillfactor = 75);
alter table attempts set (fillfactor = 50);
alter table ledger set (fillfactor = 50);
-- A step in the loop changes progressed_at. The sweeper looks at all tasks of the window, which are few.
drop index tasks_in_flight;
create index tasks_in_flight on tasks (id) where settled_at is null and admitted_at is not null;
-- tasks_by_run_and_id serves the same questions.
drop index tasks_by_run;

-- Vectors and neighbours stay in their row, three rows to a page: a look into another table costs more than it saves.
alter table contexts set (toast_tuple_target = 2680);
alter table contexts alter embedding set storage main;
alter table decisions set (toast_tuple_target = 8160);
do $$ begin
  alter table contexts alter neighbours set compression lz4;
exception when feature_not_supported then
  null; -- A Postgres that was built without it compresses slower.
end $$;
-- A task's decisions were all made on the neighbours of its context; there they are read.
alter table decisions alter column neighbours set default '[]';

-- The messages of one transaction are one row. `outbox` is what services of the last version write in a roll-out;
-- what they leave there is published again by the sweeper.
create table outbox_groups (
  id         bigint generated always as identity primary key,
  messages   json not null,
  created_at timestamptz not null default now()
) with (toast_tuple_target = 8160);
alter table outbox_groups alter messages set storage external;

-- Timings stand with what they are the timings of; `stages` keeps those of before.
alter table contexts add column wait_ms float8, add column work_ms float8;
alter table decisions add column wait_ms float8, add column work_ms float8;
alter table attempts
  add column execute_wait_ms float8, add column execute_work_ms float8,
  add column verify_wait_ms float8, add column verify_work_ms float8,
  add column commit_wait_ms float8, add column commit_work_ms float8;
create view stage_times as
  select task_id, turn, stage, wait_ms, work_ms, at from stages
  union all
  select task_id, 0, 'recall', wait_ms, work_ms, created_at from contexts where work_ms is not null
  union all
  select task_id, turn, 'decide', wait_ms, work_ms, created_at from decisions where work_ms is not null
  union all
  select task_id, attempt, 'execute', execute_wait_ms, execute_work_ms, answered_at from attempts
  where execute_work_ms is not null
  union all
  select task_id, attempt, 'verify', verify_wait_ms, verify_work_ms, verified_at from attempts
  where verify_work_ms is not null
  union all
  select task_id, attempt, 'commit', commit_wait_ms, commit_work_ms, recorded_at from attempts
  where commit_work_ms is not null;
