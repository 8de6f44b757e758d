-- A run that is submitted in chunks is not finished before all of them are in.
alter table runs add column expected_tasks int;

-- Readers of a run's events go by (transaction id, id): ids alone can become visible out of order.
create index events_by_run_in_commit_order on events (run_id, xid, id);
drop index events_by_run;

-- Pages of a run are in the order of submission, which is that of the ids.
create index tasks_by_run_and_id on tasks (run_id, id);
