import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { addSeconds } from '../core/instant.ts'
import type { Database } from '../db/client.ts'
import { jsonText, text, truth, whole } from '../db/rows.ts'
import { param, prepare } from '../db/statement.ts'
import type { ClaimedJob } from './job.ts'
import { LEASE_SECONDS, MAX_ATTEMPTS } from './retry.ts'
import { JOB_STATES, type JobKind, job } from './table.ts'

const mostAttempts = sql.raw(String(MAX_ATTEMPTS))

/**
 * Takes a job that is due: of any number of deliveries at once exactly one gets the row. A claim that has run out is
 * taken over (its worker is gone); after the last attempt the job is failed in the place of being claimed. Where it was
 * not to be had, the second branch tells its state; that one may be older than the update saw, and only times a retry.
 */
const CLAIM = prepare(sql`
  with claimed as (
    update ${job} set
      state = case when attempts < ${mostAttempts} then 'running' else 'failed' end,
      interrupted = interrupted or state = 'running',
      error = case
        when attempts >= ${mostAttempts} then coalesce(error, 'Every attempt ended without a report')
        when state = 'running' then 'The attempt before ended without a report: its worker was stopped'
        else error end,
      attempts = case when attempts < ${mostAttempts} then attempts + 1 else attempts end,
      started_at = ${param('now')}::timestamptz,
      due_at = ${param('lease_end')}::timestamptz,
      finished_at = case when attempts < ${mostAttempts} then null else ${param('now')}::timestamptz end
    where id = ${param('id')} and state in ('waiting', 'running') and due_at <= ${param('now')}::timestamptz
    returning id, kind, payload, state, attempts, interrupted, error)
  select true as is_ours, 0 as wait_seconds, claimed.* from claimed
  union all
  select false, greatest(ceil(extract(epoch from due_at - ${param('now')}::timestamptz)), 0)::integer, id, kind, payload, state, attempts, interrupted, error
  from ${job} where id = ${param('id')} and not exists (select from claimed)`)

const claimRow = z.object({
  is_ours: truth,
  wait_seconds: whole,
  id: whole,
  /** Perhaps one that a newer version knows: run.ts says what becomes of it. */
  kind: z.string().transform((kind) => kind as JobKind),
  payload: jsonText,
  state: z.enum(JOB_STATES),
  attempts: whole,
  interrupted: truth,
  error: text.nullable(),
})

export type Claim =
  /** Ours to run. */
  | { outcome: 'claimed'; job: ClaimedJob }
  /** Succeeded, or failed for good before: nothing is left to do. */
  | { outcome: 'over' }
  /** Failed for good just now: its last attempt has ended without a report. */
  | { outcome: 'failed'; job: ClaimedJob; error: string }
  /** Somebody else runs it, or it is not due yet. */
  | { outcome: 'later'; waitSeconds: number }
  /** There is no such job: it was cleaned away. */
  | { outcome: 'unknown' }

/** Tries to take the job with this id; what to do next is in the answer. */
export const claimJob = async (db: Database, id: number, now: string): Promise<Claim> => {
  const [row] = await db.rows(CLAIM, claimRow, { id, now, lease_end: addSeconds(now, LEASE_SECONDS) })
  if (!row) return { outcome: 'unknown' }
  const { is_ours, wait_seconds, state, error, ...found } = row
  if (state === 'failed' && is_ours) return { outcome: 'failed', job: found, error: error ?? '' }
  if (state === 'succeeded' || state === 'failed') return { outcome: 'over' }
  return is_ours ? { outcome: 'claimed', job: found } : { outcome: 'later', waitSeconds: wait_seconds }
}

/**
 * The first of the two CTEs by which a statement ends the job it is the work of, so that results and success are one. It
 * has its row, locked, only where this attempt still holds the job; everything that the statement writes depends on it
 * (`where exists (select from <name>)`). Placeholders: see `finishing`.
 */
export const claimedJob = (name: SQL): SQL => sql`${name} as materialized (
    select id from ${job} where id = ${param('job_id')} and state = 'running' and attempts = ${param('attempts')} for update)`

/** The second: it ends the job that the CTE `claim` has, after the CTE `work`, and adds the time that took. */
export const finishedJob = (name: SQL, { claim, work }: { claim: SQL; work: SQL }): SQL => sql`${name} as (
    update ${job} set
      state = 'succeeded', error = null,
      finished_at = ${param('finished_at')}::timestamptz + (clock_timestamp() - statement_timestamp())
    from (select count(*) from ${work}) work
    where ${job}.id = (select id from ${claim})
    returning ${job}.id)`

/** The values of both: the attempt, and when its last statement began. */
export const finishing = ({ id, attempts }: ClaimedJob, finishedAt: string) => ({
  job_id: id,
  attempts,
  finished_at: finishedAt,
})

const CLAIMED = sql.raw('claimed')
const FINISHED = sql.raw('finished')
const FINISH = prepare(
  sql`with ${claimedJob(CLAIMED)}, ${finishedJob(FINISHED, { claim: CLAIMED, work: CLAIMED })} select id from ${FINISHED}`,
)

/** Ends a job that has nothing to write. */
export const finishJob = (db: Database, claimed: ClaimedJob, finishedAt: string) =>
  db.rows(FINISH, z.object({ id: whole }), finishing(claimed, finishedAt))

const RECORD_DONE = prepare(sql`
  update ${job} set state = 'succeeded', error = null, finished_at = ${param('finished_at')}::timestamptz
  where id = ${param('id')} and state <> 'succeeded' and attempts >= ${param('attempts')}
  returning id`)

/** Records that this attempt has done the job's work, whatever has become of the job since: it is not to be done again. */
export const recordDone = (db: Database, id: number, attempts: number, finishedAt: string) =>
  db.rows(RECORD_DONE, z.object({ id: whole }), { id, attempts, finished_at: finishedAt })

const gaveUp = sql`(${param('permanent')}::boolean or (attempts >= ${mostAttempts} and not ${param('uncounted')}::boolean))`

const FAIL = prepare(sql`
  update ${job} set
    state = case when ${gaveUp} then 'failed' else 'waiting' end,
    error = ${param('error')},
    attempts = case when ${param('uncounted')}::boolean then attempts - 1 else attempts end,
    interrupted = interrupted or ${param('interrupted')}::boolean,
    due_at = ${param('due_at')}::timestamptz,
    finished_at = case when ${gaveUp} then ${param('finished_at')}::timestamptz end
  where id = ${param('job_id')} and state = 'running' and attempts = ${param('attempts')}
  returning state`)

/** Records a failed attempt: the job waits for its next one, or is failed for good. undefined: somebody else has it by now. */
export const failJob = async (
  db: Database,
  claimed: ClaimedJob,
  failure: { error: string; permanent: boolean; uncounted: boolean; interrupted: boolean; dueAt: string },
  finishedAt: string,
): Promise<'waiting' | 'failed' | undefined> => {
  const [row] = await db.rows(FAIL, z.object({ state: z.enum(['waiting', 'failed']) }), {
    ...finishing(claimed, finishedAt),
    error: failure.error,
    permanent: failure.permanent,
    uncounted: failure.uncounted,
    interrupted: failure.interrupted,
    due_at: failure.dueAt,
  })
  return row?.state
}
