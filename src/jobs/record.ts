import { type SQL, sql } from 'drizzle-orm'
import { stringifyJson } from '../core/json.ts'
import type { Database } from '../db/client.ts'
import { readIds } from '../db/rows.ts'
import { param, prepare } from '../db/statement.ts'
import type { JobKind } from './job.ts'
import { job } from './table.ts'

/**
 * The insert by which a statement records a job for each row of `payloads`, which selects one jsonb column `payload`.
 * To be ended with `returning id`.
 */
export const insertJobs = (kind: JobKind | SQL, payloads: SQL, now: SQL): SQL => sql`
  insert into ${job} (kind, payload, created_at, due_at)
  select ${typeof kind === 'string' ? sql.raw(`'${kind}'`) : kind}, asked.payload, ${now}, ${now} from (${payloads}) asked`

/** The placeholder `now` as a moment. */
const NOW = sql`${param('now')}::timestamptz`

const RECORD = prepare(sql`${insertJobs(param('kind'), sql`select ${param('payload')}::jsonb as payload`, NOW)} returning id`)

/** Records one job and answers its id, to be sent. */
export const recordJob = (db: Database, kind: JobKind, payload: Record<string, unknown>, now: string): Promise<number[]> =>
  readIds(db, RECORD, { kind, payload: stringifyJson(payload), now })

export interface KeyedJob {
  kind: JobKind
  payload: Record<string, unknown>
  /** Of all the jobs ever recorded with this key there is one. */
  key: string
}

/**
 * Records jobs that may have been recorded before: each key gets one row, however often and by however many at once
 * this is called. Answers the ids of those that are still waiting, whoever recorded them: sending one twice is harmless.
 */
const RECORD_KEYED = prepare(sql`
  with wanted as (select * from jsonb_to_recordset(${param('jobs')}::jsonb) as wanted(kind text, payload jsonb, key text)),
  recorded as (
    insert into ${job} (kind, payload, unique_key, created_at, due_at)
    select kind, payload, key, ${param('now')}::timestamptz, ${param('now')}::timestamptz from wanted
    on conflict do nothing
    returning id)
  select id from recorded
  union all
  select j.id from ${job} j join wanted on j.unique_key = wanted.key where j.state = 'waiting'`)

export const recordJobsOnce = (db: Database, jobs: KeyedJob[], now: string): Promise<number[]> =>
  readIds(db, RECORD_KEYED, { jobs: stringifyJson(jobs), now })
