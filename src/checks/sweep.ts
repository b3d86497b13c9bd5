import { type SQL, sql } from 'drizzle-orm'
import { once } from '../core/once.ts'
import { readIds } from '../db/rows.ts'
import { param, prepare, type Statement } from '../db/statement.ts'
import { claimedJob, finishedJob, finishing } from '../jobs/claim.ts'
import type { ClaimedJob, JobKind, JobScope, RunJob } from '../jobs/job.ts'
import { insertJobs } from '../jobs/record.ts'
import { insertAlerts } from '../notifications/record.ts'
import type { Check, Names } from './check.ts'

/** The most new findings of one sweep. If there are more, the sweep records a job for the rest. */
export const MAX_FINDINGS = 5000

const CLAIMED = sql.raw('claimed')
/** The CTE whose rows are the ids of the alert jobs. */
export const ALERTED = sql.raw('alerted')
const CONTINUED = sql.raw('continued')
const FINISHED = sql.raw('finished')

/** The names that the engine passes to every query of a check. Placeholder: `now`. */
export const NAMES: Names = {
  found: sql.raw('found'),
  logged: sql.raw('logged'),
  now: sql`${param('now')}::timestamptz`,
  value: param,
}

/**
 * The CTEs that log what is wrong and record its alerts: `found`, `logged`, the check's own CTEs, and `alerted`, whose rows
 * are the ids of the recorded jobs. If two sweeps run at once, the log's unique index lets only one of them insert a
 * finding, and each sweep alerts only what it inserted. Nothing is written if `claim` has no row.
 */
export const findings = <Evidence>(check: Check<Evidence>, claim: SQL): SQL => sql`
  ${NAMES.found} as (
    select subject, pipeline_id, since, evidence from (${check.wrong(NAMES)}) wrong
    where exists (select from ${claim})
    order by subject
    limit ${sql.raw(String(MAX_FINDINGS))}),
  ${NAMES.logged} as (${check.logFound(NAMES)}),
  ${check.alsoWrites ? sql`${check.alsoWrites(NAMES)},` : sql``}
  ${ALERTED} as (${insertAlerts(check.alertPayloads(NAMES), NAMES.now)} returning id)`

/** The job for the rest, if a sweep finds MAX_FINDINGS. */
interface Continuation {
  /** Its kind: `check_<kind>`. */
  jobKind: JobKind
  /** Its payload: a jsonb expression. */
  payload: (names: Names) => SQL
}

const continued = ({ jobKind, payload }: Continuation): SQL => sql`
  ${CONTINUED} as (
    ${insertJobs(
      jobKind,
      sql`select ${payload(NAMES)} as payload where (select count(*) from ${NAMES.found}) = ${sql.raw(String(MAX_FINDINGS))}`,
      NAMES.now,
    )} returning id),`

/**
 * The last statement of a job that sweeps. In one transaction it logs what is newly wrong, records the alerts, records a job
 * for the rest if there may be more, and ends the job. Its rows are the ids of the recorded jobs. Placeholders: `now`, those
 * of `finishing`, and the values that the check uses.
 */
export const sweepStatement = <Evidence>(check: Check<Evidence>, continuation?: Continuation): Statement =>
  prepare(sql`
    with ${claimedJob(CLAIMED)},
    ${findings(check, CLAIMED)},
    ${continuation ? continued(continuation) : sql``}
    ${finishedJob(FINISHED, { claim: CLAIMED, work: NAMES.logged })}
    select id from ${ALERTED} ${continuation ? sql`union all select id from ${CONTINUED}` : sql``}`)

/**
 * The job that sweeps for a check. `values` prepares the values that the statement needs beside `now`; it may use a round
 * trip of its own.
 */
export const sweepJob = <Evidence>(
  check: Check<Evidence>,
  { values, ...continuation }: Continuation & { values?: (job: ClaimedJob, scope: JobScope) => Promise<Record<string, unknown>> },
): RunJob => {
  const statement = once(() => sweepStatement(check, continuation))
  return async (job, scope) => {
    const prepared = (await values?.(job, scope)) ?? {}
    return readIds(scope.db, statement(), { ...finishing(job, scope.clock()), ...prepared, now: scope.now })
  }
}
