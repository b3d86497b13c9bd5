import { sql } from 'drizzle-orm'
import { check, index, integer, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { createdAt, flag, id, instant, jsonObject } from '../db/columns.ts'
import { atLeast, literals, oneOf } from '../db/constraints.ts'

/** What the background does beside the sweeps of checks; each kind's payload is described where the kind is run. */
const OTHER_JOB_KINDS = ['detect_anomalies', 'clean_logs', 'send_alert'] as const

/** `check_<kind of check>`, or one of the others. */
export type JobKind = `check_${string}` | (typeof OTHER_JOB_KINDS)[number]

/** Kinds as a value: where it lists all of them, an index that begins with the kind serves every job. */
export const kindsValue = (kinds: readonly JobKind[]) => sql`${`{${kinds.join(',')}}`}::text[]`

/**
 * The states of a job, and what moves it from one to the next:
 *
 *                 claimed                      its statement has ended it
 *   ┌─────────┐ ───────────────▶ ┌─────────┐ ───────────────▶ ┌───────────┐
 *   │ waiting │                  │ running │                  │ succeeded │
 *   └─────────┘ ◀─────────────── └─────────┘                  └───────────┘
 *        ▲        failed, tried    │     ▲ claimed again, where the claim has run out:
 *        │        again later      │     └ its worker is gone
 *        │                         ▼ failed for good: no attempt is left, or trying again cannot help
 *        │ POST /replay_job   ┌────────┐
 *        └─────────────────── │ failed │
 *                             └────────┘
 */
export const JOB_STATES = ['waiting', 'running', 'succeeded', 'failed'] as const

/** The truth about background work: a row is written in the transaction that asks for it, the queue only carries its id. */
export const job = pgTable(
  'job',
  {
    id: id(),
    kind: text().notNull(),
    payload: jsonObject().notNull(),
    state: text().notNull().default('waiting'),
    attempts: integer().notNull().default(0),
    /** Why the last attempt failed, in words for whoever is on call. */
    error: text(),
    /** Set where the same request must not become two jobs, e.g. one sweep per (cron, scheduled time). */
    unique_key: text(),
    created_at: createdAt(),
    /** When it may be claimed: a retry waits for its delay, a running job for as long as its claim holds. */
    due_at: createdAt(),
    /** When the search for lost jobs sent it again. */
    resent_at: instant(),
    /** An attempt ended without a report: what it did outside the database may have happened. */
    interrupted: flag(false),
    started_at: instant(),
    finished_at: instant(),
  },
  (table) => [
    // Recording a job that is already recorded changes nothing.
    uniqueIndex('job_unique_key').on(table.unique_key).where(sql`unique_key is not null`),
    // The search for lost jobs, the queue's depth and the oldest waiting job: Index Scan on what is unfinished, however long the history.
    index('job_unfinished').on(table.due_at, table.id).where(sql`state in ('waiting', 'running')`),
    // Throughput of the last hour, when a check last succeeded (Index Scan Backward), cleanup of old jobs: each by kind and time.
    index('job_finished').on(table.kind, table.finished_at).where(sql`finished_at is not null`),
    // GET /job?state=failed and the failures on the monitoring page: Index Scan Backward.
    index('job_failed').on(table.id).where(sql`state = 'failed'`),
    // GET /job?kind= pages by id within a kind; of the one that makes up almost all of the table the primary key does as well.
    index('job_kind').on(table.kind, table.id).where(sql`kind <> 'detect_anomalies'`),
    // The level of the queue's depth that was alerted last: Index Scan Backward on a handful of rows.
    index('job_queue_depth').on(table.id).where(sql`unique_key like 'queue depth %'`),
    check('job_kind_known', sql`${table.kind} in (${literals(OTHER_JOB_KINDS)}) or ${table.kind} like 'check\\_%'`),
    oneOf('job_state_known', table.state, JOB_STATES),
    atLeast('job_attempts_range', table.attempts, 0),
  ],
)
