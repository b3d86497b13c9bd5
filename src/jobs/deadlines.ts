import { type SQL, sql } from 'drizzle-orm'
import { stringifyJson } from '../core/json.ts'
import { once } from '../core/once.ts'
import { FUNCTIONS } from '../db/functions.ts'
import { readIds } from '../db/rows.ts'
import { param, prepare, type Statement } from '../db/statement.ts'
import type { Settings } from '../env.ts'
import { claimedJob, finishedJob, finishing } from './claim.ts'
import { CRONS } from './crons.ts'
import type { JobKind, RunJob } from './job.ts'
import { insertJobs } from './record.ts'
import type { Sweep } from './schedule.ts'

/** The times at which something may become wrong, and the job that judges it then. */
export interface Deadlines {
  job: JobKind
  /** The payload of that job; without this, an empty one. */
  payload?: (settings: Settings) => Record<string, unknown>
  /** `select … as at`: the times up to `until` that nobody has judged yet, also those that have passed. */
  upTo: (until: SQL) => SQL
}

const NOW = sql`${param('now')}::timestamptz`
/** The next quarter-hourly tick finds what becomes due later. */
const NEXT_TICK = sql`(date_bin('15 minutes', ${NOW}, 'epoch') + interval '15 minutes')`
const CLAIMED = sql.raw('claimed')
const RECORDED = sql.raw('recorded')

const statementOf = (deadlines: readonly Deadlines[]): Statement => {
  const all = deadlines.map(
    ({ job, upTo }) => sql`select '${sql.raw(job)}' as kind, d.at from (${upTo(NEXT_TICK)}) d where exists (select from ${CLAIMED})`,
  )
  return prepare(sql`
    with ${claimedJob(CLAIMED)},
    deadline as materialized (${sql.join(all, sql` union all `)}),
    ${RECORDED} as (
      ${insertJobs(sql`requested.kind`, sql`select distinct kind, coalesce(${param('payloads')}::jsonb -> kind, '{}') as payload from deadline where at <= ${NOW}`, NOW)} returning id),
    ${finishedJob(sql.raw('finished'), { claim: CLAIMED, work: RECORDED })}
    select id from ${RECORDED}
    union all
    select id from (
      select ${sql.raw(FUNCTIONS.request_deadline)}(minute.at, ${NOW}) as id
      from (select min(at) as at from deadline where at > ${NOW} group by date_trunc('minute', at) order by 1) minute offset 0) ahead
    where id is not null`)
}

/**
 * The `check_deadlines` job: it records the jobs that judge what is due, and itself again for each minute until the next tick in which
 * something becomes due. A lost one costs minutes, nothing else: the tick finds all that is wrong.
 */
export const checkDeadlines = (deadlines: readonly Deadlines[]): RunJob => {
  const statement = once(() => statementOf(deadlines))
  return (job, { db, now, clock, settings }) => {
    const payloads = Object.fromEntries(deadlines.map(({ job: kind, payload }) => [kind, payload?.(settings) ?? {}]))
    return readIds(db, statement(), { ...finishing(job, clock()), now, payloads: stringifyJson(payloads) })
  }
}

/** Each tick looks ahead to the next one. */
export const deadlineSweep: Sweep = { cron: CRONS.quarterHourly, kind: 'check_deadlines', payload: () => ({}) }
