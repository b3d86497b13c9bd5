import { getTableColumns, sql } from 'drizzle-orm'
import { z } from 'zod'
import { addSeconds } from '../../core/instant.ts'
import type { Database } from '../../db/client.ts'
import { finding, listing } from '../../db/json-list.ts'
import { jsonOf, moment, text, truth, whole } from '../../db/rows.ts'
import { keep, param, prepare, type Statement } from '../../db/statement.ts'
import type { JobKind } from '../../jobs/job.ts'
import { isForLater, type JOB_STATES, job, kindsValue } from '../../jobs/table.ts'
import type { House } from '../feature.ts'

const { unique_key: _key, resent_at: _resent, ...answered } = getTableColumns(job)

/** A page of jobs in the order of their ids. */
export const listJobs = listing<{ kind?: JobKind; state?: (typeof JOB_STATES)[number] }>({
  table: job,
  columns: answered,
  // Literals: the partial indexes do not match a parameter.
  conditions: {
    kind: (kind) => sql`${job.kind} = ${sql.raw(`'${kind}'`)}`,
    state: (state) => sql`${job.state} = ${sql.raw(`'${state}'`)}`,
  },
})

export const findJob = finding(job, answered)

const REPLAY = prepare(sql`
  with replayed as (
    update ${job} set state = 'waiting', attempts = 0, due_at = ${param('now')}::timestamptz, resent_at = null, finished_at = null
    where id = ${param('id')} and state = 'failed'
    returning id, state)
  select id, true as replayed, state from replayed
  union all
  select id, false, state from ${job} where id = ${param('id')} and not exists (select from replayed)`)

/** Makes a failed job wait again, with all its attempts. undefined: no such job; `replayed` false: the job is not failed. */
export const replayJob = async (db: Database, id: number, now: string) =>
  (await db.rows(REPLAY, z.object({ id: whole, replayed: truth, state: text }), { id, now }))[0]

const overviewOf = keep<Statement>()
const overviewStatement = ({ jobKinds }: House): Statement =>
  prepare(sql`
  with kind as (select unnest(${kindsValue(jobKinds)}) as kind),
  unfinished as (
    select kind, count(*) filter (where state = 'waiting') as waiting, count(*) filter (where state = 'waiting' and attempts > 0) as retrying,
      count(*) filter (where state = 'running') as running
    from ${job} where state in ('waiting', 'running') group by kind),
  failed as (select kind, count(*) as failed from ${job} where state = 'failed' group by kind),
  hour as (
    select kind, state, extract(epoch from finished_at - started_at) as seconds from ${job}
    where kind = any(${kindsValue(jobKinds)}) and finished_at >= ${param('hour_ago')}::timestamptz),
  ran as (
    select kind, count(*) filter (where state = 'succeeded') as succeeded, avg(seconds) as mean,
      percentile_cont(0.95) within group (order by seconds) as p95
    from hour group by kind),
  failure as (
    select id, kind, attempts, error, finished_at from ${job} where state = 'failed' order by id desc limit 20)
  select
    (select jsonb_agg(jsonb_build_object('kind', kind, 'waiting', coalesce(waiting, 0), 'retrying', coalesce(retrying, 0),
        'running', coalesce(running, 0), 'failed', coalesce(failed, 0), 'succeeded_last_hour', coalesce(succeeded, 0),
        'mean_seconds', mean, 'p95_seconds', p95,
        'last_finished_at', (select max(finished_at) from ${job} j where j.kind = kind.kind and finished_at is not null)))
      from kind left join unfinished using (kind) left join failed using (kind) left join ran using (kind)) as kinds,
    (select to_jsonb(o) from (
      select id, kind, attempts, created_at, extract(epoch from ${param('now')}::timestamptz - created_at)::double precision as age_seconds
      from ${job} where state in ('waiting', 'running') and state = 'waiting' and not ${isForLater(sql`${param('now')}::timestamptz`)}
      order by created_at, id limit 1) o) as oldest_waiting,
    (select coalesce(jsonb_agg(failure order by id desc), '[]') from failure) as recent_failures,
    (select jsonb_build_object('succeeded', count(*) filter (where state = 'succeeded'), 'failed', count(*) filter (where state = 'failed'),
      'per_minute', count(*) / 60.0, 'mean_seconds', avg(seconds), 'p95_seconds', percentile_cont(0.95) within group (order by seconds))
      from hour) as last_hour`)

const seconds = z.number().nullable()
const overviewRow = z.object({
  kinds: jsonOf(
    z.array(
      z.object({
        kind: z.string(),
        waiting: z.number(),
        retrying: z.number(),
        running: z.number(),
        failed: z.number(),
        succeeded_last_hour: z.number(),
        mean_seconds: seconds,
        p95_seconds: seconds,
        last_finished_at: moment.nullable(),
      }),
    ),
  ),
  oldest_waiting: jsonOf(
    z.object({ id: z.number(), kind: z.string(), attempts: z.number(), created_at: moment, age_seconds: z.number() }),
  ).nullable(),
  recent_failures: jsonOf(
    z.array(
      z.object({
        id: z.number(),
        kind: z.string(),
        attempts: z.number(),
        error: z.string().nullable(),
        finished_at: moment.nullable(),
      }),
    ),
  ),
  last_hour: jsonOf(
    z.object({ succeeded: z.number(), failed: z.number(), per_minute: z.number(), mean_seconds: seconds, p95_seconds: seconds }),
  ),
})

export type JobsOverview = z.output<typeof overviewRow>

/** Reads the state of the background jobs in one statement, whose cost does not grow with the history. */
export const describeJobs = async (db: Database, house: House, now: string) => {
  const statement = overviewOf(house.jobKinds.join(), () => overviewStatement(house))
  const [row] = await db.rows(statement, overviewRow, { now, hour_ago: addSeconds(now, -3600) })
  if (!row) throw new Error('expected one row of overview')
  return row
}
