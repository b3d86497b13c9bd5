import { sql } from 'drizzle-orm'
import { integer, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { atLeast, oneOf } from '../db/checks.ts'
import { createdAt, id, instant, jsonObject } from '../db/columns.ts'

/** What the background does; each kind's payload is described where the kind is run. */
export const JOB_KINDS = ['detect_anomalies', 'check_timeliness', 'check_freshness', 'clean_logs', 'send_alert'] as const

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
    error: text(),
    /** Set where the same request must not become two jobs, e.g. one sweep per (cron, scheduled time). */
    unique_key: text(),
    created_at: createdAt(),
    started_at: instant(),
    finished_at: instant(),
  },
  (table) => [
    // Recording a job that is already recorded changes nothing.
    uniqueIndex('job_unique_key').on(table.unique_key).where(sql`unique_key is not null`),
    oneOf('job_kind_known', table.kind, JOB_KINDS),
    oneOf('job_state_known', table.state, JOB_STATES),
    atLeast('job_attempts_range', table.attempts, 0),
  ],
)
