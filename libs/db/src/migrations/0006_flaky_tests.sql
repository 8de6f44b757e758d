-- Tests that gave different results for the same answer. `check_key` is a hash of the task's verification, so that
-- every task with the same check shares them; '*' as the test means the whole check.
create table flaky_tests (
  tenant_id text not null,
  check_key text not null,
  test      text not null,
  seen_at   timestamptz not null default now(),
  primary key (tenant_id, check_key, test)
);
