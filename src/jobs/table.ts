import { type SQL, sql } from 'drizzle-orm'
import { check, index, integer, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { createdAt, flag, id, instant, jsonObject } from '../db/columns.ts'
import { atLeast, literals, oneOf } from '../db/constraints.ts'

/** The kinds of jobs that are not sweeps of checks. The code that runs a kind describes its payload. */
const OTHER_JOB_KINDS = [
  'detect_anomalies',
  'clean_logs',
  'count_days',
  'keep_activity',
  'complete_closure',
  'clean_openlineage',
  'send_openlineage',
  'notify',
  'send_alert',
] as const

/** `check_<kind of check>`, or one of the others. */
export type JobKind = `check_${string}` | (typeof OTHER_JOB_KINDS)[number]

/** Kinds as an SQL value. If it lists all kinds, an index that begins with `kind` finds every job. */
export const kindsValue = (kinds: readonly JobKind[]) => sql`${`{${kinds.join(',')}}`}::text[]`

/**
 * The states of a job, and what moves it from one to the next:
 *
 *                 claimed                      its last statement ended it
 *   ┌─────────┐ ───────────────▶ ┌─────────┐ ───────────────▶ ┌───────────┐
 *   │ waiting │                  │ running │                  │ succeeded │
 *   └─────────┘ ◀─────────────── └─────────┘                  └───────────┘
 *        ▲        failed, tried    │     ▲ claimed again: the claim has run out,
 *        │        again later      │     └ because the worker is gone
 *        │                         ▼ failed for good: no attempt is left, or trying again cannot help
 *        │ POST /replay_job   ┌────────┐
 *        └─────────────────── │ failed │
 *                             └────────┘
 */
export const JOB_STATES = ['waiting', 'running', 'succeeded', 'failed'] as const

/** The record of all background work. The transaction that needs the work writes the row; the queue carries only its id. */
export const job = pgTable(
  'job',
  {
    id: id(),
    kind: text().notNull(),
    payload: jsonObject().notNull(),
    state: text().notNull().default('waiting'),
    attempts: integer().notNull().default(0),
    /** Why the last attempt failed, in words for the person on call. */
    error: text(),
    /** Set if the same request must not become two jobs, e.g. one sweep per (cron, scheduled time). */
    unique_key: text(),
    created_at: createdAt(),
    /** When the job may be claimed: after a retry's delay; for a running job, when its claim ends. */
    due_at: createdAt(),
    /** When the search for lost jobs last sent it again. */
    resent_at: instant(),
    /** An attempt ended without a report: its effects outside the database may have happened. */
    interrupted: flag(false),
    started_at: instant(),
    finished_at: instant(),
  },
  (table) => [
    // recordTick: a job whose key exists is not recorded again.
    uniqueIndex('job_unique_key').on(table.unique_key).where(sql`unique_key is not null`),
    // The search for lost jobs, the queue's depth and the oldest waiting job: Index Scan on unfinished jobs, independent of the history.
    index('job_unfinished').on(table.due_at, table.id).where(sql`state in ('waiting', 'running')`),
    // Jobs of the last hour, when a check last succeeded (Index Scan Backward), cleanup of old jobs: each by kind and time.
    index('job_finished').on(table.kind, table.finished_at).where(sql`finished_at is not null`),
    // GET /job?state=failed and the failures on the monitoring page: Index Scan Backward.
    index('job_failed').on(table.id).where(sql`state = 'failed'`),
    // GET /job?kind= pages by id within a kind. Almost all rows are detect_anomalies: the primary key serves that kind as well.
    index('job_kind').on(table.kind, table.id).where(sql`kind <> 'detect_anomalies'`),
    check('job_kind_known', sql`${table.kind} in (${literals(OTHER_JOB_KINDS)}) or ${table.kind} like 'check\\_%'`),
    oneOf('job_state_known', table.state, JOB_STATES),
    atLeast('job_attempts_range', table.attempts, 0),
  ],
)

/** True for a job that is recorded for later, so that nobody waits for it yet: a message that is told with a delay. */
export const isForLater = (now: SQL): SQL => sql`(attempts = 0 and due_at > ${now})`

/** The last tick of each cron. `migrate` writes the first rows, so a cron that never fires is noticed too. */
export const cronTick = pgTable('cron_tick', {
  cron: text().primaryKey(),
  /** When the tick was due. A tick that is fired again, or late, keeps this time. */
  due_at: instant().notNull(),
  came_at: instant().notNull(),
  /** Set if tasks of this tick failed. */
  fault: text(),
})
