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

-- Vectors and neighbours stay in their row, as they are: compressing two kilobytes costs more than writing them.
alter table contexts set (toast_tuple_target = 8160);
alter table decisions set (toast_tuple_target = 8160);
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
