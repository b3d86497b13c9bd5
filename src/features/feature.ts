import type { SQL } from 'drizzle-orm'
import type { AnyPgColumn, PgTable } from 'drizzle-orm/pg-core'
import type { Tag } from '../http/api-docs.ts'
import type { NamedEnums } from '../http/name-enums.ts'
import type { Router } from '../http/router.ts'
import type { JobKind, RunJob } from '../jobs/job.ts'
import type { Sweep, Watch } from '../jobs/schedule.ts'
import type { AlertKind } from '../notifications/alert.ts'

/** What a check shows of itself: a word, a sign, and one of the colours that the pages have. */
export interface Badge {
  /** An adjective in lower case, letters and `_` only; it also stands in addresses (`?state=late`). */
  word: string
  sign: string
  tone: 'failed' | 'late' | 'stale' | 'anomalous' | 'inactive'
}

/** What the features below the checks have to know of each. */
export interface CheckFacts {
  /** Names the check in metrics (`check="timeliness"`) and alerts: letters and `_`. */
  kind: string
  badge: Badge
  /** How many findings are open, for `GET /metrics`: a subquery of one number. */
  countOpen: (moments: { dayAgo: SQL }) => SQL
  /** Where it logs what it finds; cleanup deletes a row with its execution, or once a moment of it is old. */
  log: { table: PgTable; goesWith: 'its execution' } | { table: PgTable; goesWith: AnyPgColumn }
}

/** What is derived from the lists of features and checks, for those that count, show or clean all of them. */
export interface House {
  /** Every kind of job. */
  jobKinds: readonly JobKind[]
  checks: readonly CheckFacts[]
}

/** What a feature brings; `index.ts` lists them all. */
export interface Feature {
  /** The groups of its operations on the docs page. */
  tags?: Tag[]
  /** The lists of values in its schemas, with their names in the API's document. */
  enums?: (house: House) => NamedEnums
  /** Registers its endpoints. */
  routes?: (router: Router, house: House) => void
  /** Runs its kinds of jobs. */
  jobs?: Partial<Record<JobKind, (house: House) => RunJob>>
  /** The jobs that Cron Triggers ask for. */
  sweeps?: Sweep[]
  /** What is looked at with every quarter-hourly tick. */
  watch?: (house: House) => Watch
  /** Texts of alerts that are not a check's. */
  alerts?: AlertKind[]
}
