import type { Generated } from 'kysely';

/** Where a tenant stands in fair queuing; see libs/domain admission.ts. */
export interface TenantSharesTable {
  tenant_id: string;
  weight: Generated<number>;
  next_start: Generated<number>;
  class_time: Generated<number>;
  /** Of low, normal, high. */
  class_next: Generated<number[]>;
  admitted: Generated<number>;
}

export interface AdmissionClockTable {
  only_row: Generated<boolean>;
  virtual_time: Generated<number>;
  pace: Generated<number>;
  in_flight: Generated<number>;
}
