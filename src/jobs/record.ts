import { type SQL, sql } from 'drizzle-orm'
import { stringifyJson } from '../core/json.ts'
import type { Database } from '../db/client.ts'
import { anyRow, readIds } from '../db/rows.ts'
import { param, prepare } from '../db/statement.ts'
import type { JobKind } from './job.ts'
import { cronTick, job } from './table.ts'

/**
 * The insert with which a statement records a job for each row of `payloads`, a query of one jsonb column `payload`. The
 * caller appends `returning id`.
 */
export const insertJobs = (kind: JobKind | SQL, payloads: SQL, now: SQL): SQL => sql`
  insert into ${job} (kind, payload, created_at, due_at)
  select ${typeof kind === 'string' ? sql.raw(`'${kind}'`) : kind}, requested.payload, ${now}, ${now} from (${payloads}) requested`

/** The placeholder `now` as a timestamptz. */
const NOW = sql`${param('now')}::timestamptz`

const RECORD = prepare(sql`${insertJobs(param('kind'), sql`select ${param('payload')}::jsonb as payload`, NOW)} returning id`)

/** Records one job. Returns its id in a list, for the caller to send. */
export const recordJob = (db: Database, kind: JobKind, payload: Record<string, unknown>, now: string): Promise<number[]> =>
  readIds(db, RECORD, { kind, payload: stringifyJson(payload), now })

export interface KeyedJob {
  kind: JobKind
  payload: Record<string, unknown>
  /** The table holds at most one job with this key. */
  key: string
}

const RECORD_TICK = prepare(sql`
  with ticked as (
    insert into ${cronTick} (cron, due_at, came_at) values (${param('cron')}, ${param('due_at')}::timestamptz, ${NOW})
    on conflict (cron) do update set due_at = excluded.due_at, came_at = excluded.came_at, fault = null
    -- An older tick that comes late changes nothing; migrate's first row (both times equal) gives way to any.
    where cron_tick.due_at <= excluded.due_at or cron_tick.came_at = cron_tick.due_at),
  requested as (select * from jsonb_to_recordset(${param('jobs')}::jsonb) as requested(kind text, payload jsonb, key text)),
  recorded as (
    insert into ${job} (kind, payload, unique_key, created_at, due_at)
    select kind, payload, key, ${param('now')}::timestamptz, ${param('now')}::timestamptz from requested
    on conflict do nothing
    returning id)
  select id from recorded
  union all
  select j.id from ${job} j join requested on j.unique_key = requested.key where j.state = 'waiting'`)

/**
 * Records a tick of a cron with its jobs, which may already be recorded: each key gets one row, no matter how often or how many callers record it at
 * once. Returns the ids of these jobs that still wait, also if another caller recorded them: sending a job twice is harmless.
 */
export const recordTick = (
  db: Database,
  { cron, dueAt }: { cron: string; dueAt: string },
  jobs: KeyedJob[],
  now: string,
): Promise<number[]> => readIds(db, RECORD_TICK, { cron, due_at: dueAt, jobs: stringifyJson(jobs), now })

const RECORD_FAULT = prepare(sql`
  update ${cronTick} set fault = ${param('fault')} where cron = ${param('cron')} and due_at = ${param('due_at')}::timestamptz`)

/** Records that tasks of the tick failed. */
export const recordTickFault = async (db: Database, { cron, dueAt }: { cron: string; dueAt: string }, fault: string): Promise<void> => {
  await db.rows(RECORD_FAULT, anyRow, { cron, due_at: dueAt, fault })
}
