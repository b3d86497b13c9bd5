import type { SQL } from 'drizzle-orm'
import type { AnyPgColumn, PgTable } from 'drizzle-orm/pg-core'
import type { Database } from '../db/client.ts'
import type { Tag } from '../http/api-docs.ts'
import type { NamedEnums } from '../http/name-enums.ts'
import type { Router } from '../http/router.ts'
import type { Badge, IncidentKind, IncidentKinds } from '../incidents/kind.ts'
import type { Deadlines } from '../jobs/deadlines.ts'
import type { JobKind, RunJob } from '../jobs/job.ts'
import type { Sweep, Watch } from '../jobs/schedule.ts'
import type { AlertKind } from '../notifications/alert.ts'

/** What features need to know about each check; they must not import the checks. */
export interface CheckFacts {
  /** The name of the check in metrics (`check="timeliness"`) and alerts: letters and `_`. */
  kind: string
  badge: Badge
  /** A subquery of one number for `GET /metrics`: how many findings are open. */
  countOpen: (moments: { now: SQL; dayAgo: SQL }) => SQL
  /** The table of its findings. Cleanup deletes a row with its execution, or when this column is before the cutoff. */
  log: { table: PgTable; goesWith: 'its execution' } | { table: PgTable; goesWith: AnyPgColumn }
}

/** Lists derived from all features and checks, for features that count, show or clean all of them. */
export interface House extends IncidentKinds {
  /** Every kind of job. */
  jobKinds: readonly JobKind[]
  checks: readonly CheckFacts[]
  /** What must be done before runs may be deleted. */
  beforeCleanup: readonly BeforeCleanup[]
}

/**
 * Does what must be done before the runs of days up to `lastDay` (UTC) may be deleted. False if that took too long: then nothing
 * may be deleted yet, and the next call goes on.
 */
export type BeforeCleanup = (db: Database, lastDay: string, deadlineMillis: number) => Promise<boolean>

/** What a feature provides; `index.ts` lists all features. */
export interface Feature {
  /** The groups of its operations on the docs page. */
  tags?: Tag[]
  /** The enums of its schemas, by their names in the OpenAPI document. */
  enums?: (house: House) => NamedEnums
  /** Registers its endpoints. */
  routes?: (router: Router, house: House) => void
  /** The functions that run its kinds of jobs. */
  jobs?: Partial<Record<JobKind, (house: House) => RunJob>>
  /** The jobs that Cron Triggers record. */
  sweeps?: Sweep[]
  /** What may become wrong between two ticks. */
  deadlines?: Deadlines
  /** Each runs with every quarter-hourly tick. */
  watches?: readonly ((house: House) => Watch)[]
  beforeCleanup?: BeforeCleanup
  /** The kinds of incidents that it opens. */
  incidents?: readonly IncidentKind[]
  /** Kinds of alerts that do not belong to a check. */
  alerts?: AlertKind[]
}
