import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { addSeconds } from '../core/instant.ts'
import type { Database } from '../db/client.ts'
import { jsonText, text, truth, whole } from '../db/rows.ts'
import { param, prepare } from '../db/statement.ts'
import type { ClaimedJob } from './job.ts'
import { CLAIM_SECONDS, MAX_ATTEMPTS } from './retry.ts'
import { JOB_STATES, type JobKind, job } from './table.ts'

const maxAttempts = sql.raw(String(MAX_ATTEMPTS))

/**
 * Claims a job that is due. If several deliveries try at once, exactly one gets the row. A claim that has run out is taken
 * over, because its worker is gone. After its last attempt the job becomes failed instead of claimed. If the job cannot be
 * claimed, the second branch reads its state. That state may be older than the one the update saw; it only times a retry.
 */
const CLAIM = prepare(sql`
  with claimed as (
    update ${job} set
      state = case when attempts < ${maxAttempts} then 'running' else 'failed' end,
      interrupted = interrupted or state = 'running',
      error = case
        when attempts >= ${maxAttempts} then coalesce(error, 'Every attempt ended without a report')
        when state = 'running' then 'The previous attempt ended without a report: its worker was stopped'
        else error end,
      attempts = case when attempts < ${maxAttempts} then attempts + 1 else attempts end,
      started_at = ${param('now')}::timestamptz,
      due_at = ${param('claim_end')}::timestamptz,
      finished_at = case when attempts < ${maxAttempts} then null else ${param('now')}::timestamptz end
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
  /** A newer version may have recorded a kind that this version does not know; run.ts handles that. */
  kind: z.string().transform((kind) => kind as JobKind),
  payload: jsonText,
  state: z.enum(JOB_STATES),
  attempts: whole,
  interrupted: truth,
  error: text.nullable(),
})

export type Claim =
  /** This attempt holds the job and runs it. */
  | { outcome: 'claimed'; job: ClaimedJob }
  /** The job succeeded, or failed for good, earlier: nothing is left to do. */
  | { outcome: 'over' }
  /** The job failed for good just now: its last attempt ended without a report. */
  | { outcome: 'failed'; job: ClaimedJob; error: string }
  /** Another attempt runs the job, or it is not due yet. */
  | { outcome: 'later'; waitSeconds: number }
  /** There is no such job: cleanup has deleted it. */
  | { outcome: 'unknown' }

/** Tries to claim the job with this id. The outcome says what to do next. */
export const claimJob = async (db: Database, id: number, now: string): Promise<Claim> => {
  const [row] = await db.rows(CLAIM, claimRow, { id, now, claim_end: addSeconds(now, CLAIM_SECONDS) })
  if (!row) return { outcome: 'unknown' }
  const { is_ours, wait_seconds, state, error, ...found } = row
  if (state === 'failed' && is_ours) return { outcome: 'failed', job: found, error: error ?? '' }
  if (state === 'succeeded' || state === 'failed') return { outcome: 'over' }
  return is_ours ? { outcome: 'claimed', job: found } : { outcome: 'later', waitSeconds: wait_seconds }
}

/**
 * The first of two CTEs with which a job's last statement also ends the job: results and success are written together. The
 * CTE has a row, locked, only if this attempt still holds the job. Everything that the statement writes depends on that row
 * (`where exists (select from <name>)`). Placeholders: see `finishing`.
 */
export const claimedJob = (name: SQL): SQL => sql`${name} as materialized (
    select id from ${job} where id = ${param('job_id')} and state = 'running' and attempts = ${param('attempts')} for update)`

/** The second CTE: it ends the job in the CTE `claim` after the CTE `work`, and adds the time that `work` took. */
export const finishedJob = (name: SQL, { claim, work }: { claim: SQL; work: SQL }): SQL => sql`${name} as (
    update ${job} set
      state = 'succeeded', error = null,
      finished_at = ${param('finished_at')}::timestamptz + (clock_timestamp() - statement_timestamp())
    from (select count(*) from ${work}) work
    where ${job}.id = (select id from ${claim})
    returning ${job}.id)`

/** The values for both CTEs: the attempt, and when its last statement began. */
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

/** Ends a job that has no results to write. */
export const finishJob = (db: Database, claimed: ClaimedJob, finishedAt: string) =>
  db.rows(FINISH, z.object({ id: whole }), finishing(claimed, finishedAt))

const RECORD_DONE = prepare(sql`
  update ${job} set state = 'succeeded', error = null, finished_at = ${param('finished_at')}::timestamptz
  where id = ${param('id')} and state <> 'succeeded' and attempts >= ${param('attempts')}
  returning id`)

/**
 * Records that this attempt did the job's work, so that nobody does it again. The job may be in any state by now; only a
 * job that was replayed since (its attempts begin again) stays as it is.
 */
export const recordDone = (db: Database, id: number, attempts: number, finishedAt: string) =>
  db.rows(RECORD_DONE, z.object({ id: whole }), { id, attempts, finished_at: finishedAt })

const failsForGood = sql`(${param('permanent')}::boolean or (attempts >= ${maxAttempts} and not ${param('uncounted')}::boolean))`

const FAIL = prepare(sql`
  update ${job} set
    state = case when ${failsForGood} then 'failed' else 'waiting' end,
    error = ${param('error')},
    attempts = case when ${param('uncounted')}::boolean then attempts - 1 else attempts end,
    interrupted = interrupted or ${param('interrupted')}::boolean,
    due_at = ${param('due_at')}::timestamptz,
    finished_at = case when ${failsForGood} then ${param('finished_at')}::timestamptz end
  where id = ${param('job_id')} and state = 'running' and attempts = ${param('attempts')}
  returning state`)

/** Records a failed attempt: the job waits for the next one, or fails for good. undefined: this attempt no longer holds the job. */
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
