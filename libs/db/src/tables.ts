import type { LoopState } from '@acrouter/domain/loop';
import type { CandidateView, Neighbour } from '@acrouter/domain/routing/policy';
import type { Outcome, Price, VerificationSpec } from '@acrouter/domain/task';
import type { SignalKind } from '@acrouter/domain/verification/signals';
import type { ColumnType, Generated } from 'kysely';
import type { AdmissionClockTable, TenantSharesTable } from './admission-tables';

/** Row types of migrations/. numeric and int8 columns arrive as numbers (client.ts sets the parsers). */
type Timestamp = ColumnType<Date, Date | string | undefined, Date | string>;
type NullableTimestamp = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>;
/** jsonb: read as T, written as JSON text. */
type Json<T> = ColumnType<T, string, string>;
type NullableJson<T> = ColumnType<T | null, string | null | undefined, string | null>;
/** Assigned by Postgres. */
type Assigned<T> = ColumnType<T, never, never>;

export interface RunsTable {
  id: string;
  tenant_id: string;
  name: string | null;
  max_cost_usd: number | null;
  task_count: Generated<number>;
  metadata: ColumnType<Record<string, unknown>, string | undefined, string>;
  created_at: Timestamp;
  cancelled_at: NullableTimestamp;
  /** Tasks that the run will have; it is not finished before. `null` = those it has. */
  expected_tasks: ColumnType<number | null, number | null | undefined, number | null>;
  /** For tasks of the run that name none: 0 low, 1 normal, 2 high; `null` = normal. */
  priority: ColumnType<number | null, number | null | undefined, number | null>;
}

export interface TasksTable {
  id: string;
  tenant_id: string;
  run_id: string | null;
  external_id: string | null;
  prompt: string;
  language: string | null;
  dimension: string | null;
  source: string | null;
  verification: NullableJson<VerificationSpec>;
  metadata: ColumnType<Record<string, unknown>, string | undefined, string>;
  max_attempts: number;
  max_outages: number;
  max_cost_usd: number | null;
  deadline_at: NullableTimestamp;
  cost_weight: number;
  traceparent: string | null;
  state: Json<LoopState>;
  state_version: Generated<number>;
  phase: LoopState['phase'];
  outcome: Outcome | null;
  solved: boolean | null;
  score: number | null;
  final_attempt: number | null;
  cancel_requested_at: NullableTimestamp;
  created_at: Timestamp;
  progressed_at: Timestamp;
  sweeps: Generated<number>;
  settled_at: NullableTimestamp;
  /** 0 low, 1 normal, 2 high. */
  priority: Generated<number>;
  /** When it was let into the loop; `null` while it is queued. */
  admitted_at: NullableTimestamp;
  /** Whether its messages go before those that wait. */
  expedited: Generated<boolean>;
  /** When retention took its texts. */
  erased_at: NullableTimestamp;
}

export interface ContextsTable {
  task_id: string;
  dimension: string;
  language: string;
  dimension_by: 'given' | 'inferred';
  embedding: Buffer;
  embedder: Generated<string>;
  neighbours: Json<Neighbour[]>;
  created_at: Timestamp;
  wait_ms: number | null;
  work_ms: number | null;
}

export interface DecisionsTable {
  task_id: string;
  turn: number;
  action: 'attempt' | 'stop' | 'wait';
  attempt: number | null;
  model: string | null;
  probability: number | null;
  explored: Generated<boolean>;
  policy: string;
  policy_version: string;
  reason: string;
  candidates: Json<CandidateView[]>;
  attempts_left: number;
  budget_left_usd: number | null;
  cost_weight: number;
  decide_ms: number;
  created_at: Timestamp;
  wait_ms: number | null;
  work_ms: number | null;
}

/** `executing` → `answered` → `verified` → `recorded`; the others are ends without an answer. */
export type AttemptStatus =
  'executing' | 'answered' | 'verified' | 'recorded' | 'outage' | 'over-budget' | 'cancelled';

export interface AttemptsTable {
  task_id: string;
  attempt: number;
  model: string;
  status: AttemptStatus;
  lease_token: string | null;
  lease_until: NullableTimestamp;
  answer: string | null;
  response_model: string | null;
  finish_reason: string | null;
  input_tokens: number | null;
  output_tokens: number | null;
  cached_input_tokens: number | null;
  reasoning_tokens: number | null;
  cost_usd: number | null;
  unknown_calls: Generated<number>;
  latency_ms: number | null;
  error: NullableJson<{ code: string; message: string }>;
  passed: boolean | null;
  score: number | null;
  confidence: number | null;
  signals: NullableJson<unknown[]>;
  verdict: NullableJson<Record<string, unknown>>;
  decided_at: Timestamp;
  started_at: NullableTimestamp;
  answered_at: NullableTimestamp;
  verified_at: NullableTimestamp;
  recorded_at: NullableTimestamp;
  execute_wait_ms: number | null;
  execute_work_ms: number | null;
  verify_wait_ms: number | null;
  verify_work_ms: number | null;
  commit_wait_ms: number | null;
  commit_work_ms: number | null;
}

export type LedgerState = 'reserved' | 'sent' | 'settled' | 'unknown' | 'released';

export interface LedgerTable {
  task_id: string;
  attempt: number;
  call: number;
  kind: Generated<string>;
  tenant_id: string;
  run_id: string | null;
  model: string;
  state: LedgerState;
  reserved_usd: number;
  held_usd: number;
  cost_usd: number | null;
  input_tokens: number | null;
  output_tokens: number | null;
  cached_input_tokens: number | null;
  reasoning_tokens: number | null;
  status_code: number | null;
  error: string | null;
  price: Json<Price>;
  simulated: Generated<boolean>;
  latency_ms: number | null;
  created_at: Timestamp;
  sent_at: NullableTimestamp;
  finished_at: NullableTimestamp;
}

export interface FlakyTestsTable {
  tenant_id: string;
  check_key: string;
  test: string;
  seen_at: Timestamp;
}

export interface OpinionsTable {
  task_id: string;
  attempt: number;
  kind: string;
  tenant_id: string;
  model: string;
  call: number;
  nonce: string;
  reply: string;
  created_at: Timestamp;
}

export interface CalibrationPairsTable {
  task_id: string;
  attempt: number;
  kind: SignalKind;
  source: string;
  tenant_id: string;
  dimension: string;
  said: number;
  was_right: boolean;
  created_at: Timestamp;
}

export interface BudgetsTable {
  scope: 'task' | 'run' | 'tenant';
  scope_id: string;
  limit_usd: number;
  held_usd: Generated<number>;
  spent_usd: Generated<number>;
}

export interface FeedbackTable {
  id: string;
  tenant_id: string;
  task_id: string;
  attempt: number;
  source: string;
  metric: string;
  value: Json<unknown>;
  tags: ColumnType<string[], string | undefined, string>;
  reason: string | null;
  created_at: Timestamp;
}

export interface ExperiencesTable {
  id: Assigned<number>;
  tenant_id: string;
  task_key: string;
  attempt: number;
  dimension: string;
  language: string;
  source: string | null;
  model: string;
  score: number;
  solved: boolean;
  cost_usd: number | null;
  latency_ms: number | null;
  embedding: Buffer;
  embedder: string;
  simulated: Generated<boolean>;
  created_at: Timestamp;
  /** Transaction id as text; see the follower in experience-store.ts. */
  xid: Assigned<string>;
}

export interface StatisticsTable {
  tenant_id: string;
  dimension: string;
  language: string;
  model: string;
  n: number;
  solved: number;
  score_sum: number;
  score_sq_sum: number;
  cost_n: number;
  cost_sum_usd: number;
  unknown_costs: number;
  latency_n: number;
  latency_sum_ms: number;
  simulated: Generated<boolean>;
  updated_at: Timestamp;
}

/** Messages of one transaction that wait to be published; see outbox-store.ts. */
export interface OutboxGroupsTable {
  id: Assigned<number>;
  messages: Json<unknown[]>;
  created_at: Timestamp;
}

export interface IdempotencyKeysTable {
  tenant_id: string;
  key: string;
  body_hash: string;
  status_code: number | null;
  response: NullableJson<unknown>;
  created_at: Timestamp;
  expires_at: Timestamp;
}

export interface EventsTable {
  id: Assigned<number>;
  tenant_id: string;
  run_id: string | null;
  task_id: string;
  type: string;
  data: Json<Record<string, unknown>>;
  at: Timestamp;
  xid: Assigned<string>;
}

export interface ModelHealthTable {
  model: string;
  cooling_until: NullableTimestamp;
  consecutive_outages: Generated<number>;
  last_error: string | null;
  updated_at: Timestamp;
}

/**
 * How long a stage of a task waited in its queue and worked, ms: a view over contexts, decisions and attempts. `turn`
 * is the turn or attempt; 0 for `recall`, which comes once per task.
 */
export interface StageTimesView {
  task_id: string;
  turn: number;
  stage: string;
  wait_ms: number;
  work_ms: number;
  at: Timestamp;
}

export interface ApiKeysTable {
  id: string;
  tenant_id: string;
  name: string | null;
  prefix: string;
  secret_hash: Buffer;
  scopes: string[];
  requests_per_minute: number | null;
  created_at: Timestamp;
  expires_at: NullableTimestamp;
  revoked_at: NullableTimestamp;
}

export interface RateWindowsTable {
  key_id: string;
  window_start: Timestamp;
  used: number;
}

export interface Tables {
  runs: RunsTable;
  tasks: TasksTable;
  contexts: ContextsTable;
  decisions: DecisionsTable;
  attempts: AttemptsTable;
  ledger: LedgerTable;
  flaky_tests: FlakyTestsTable;
  opinions: OpinionsTable;
  calibration_pairs: CalibrationPairsTable;
  budgets: BudgetsTable;
  feedback: FeedbackTable;
  experiences: ExperiencesTable;
  statistics: StatisticsTable;
  outbox_groups: OutboxGroupsTable;
  idempotency_keys: IdempotencyKeysTable;
  events: EventsTable;
  model_health: ModelHealthTable;
  stage_times: StageTimesView;
  tenant_shares: TenantSharesTable;
  admission_clock: AdmissionClockTable;
  api_keys: ApiKeysTable;
  rate_windows: RateWindowsTable;
}
