import { sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Database } from '../db/client.ts'
import { text, whole } from '../db/rows.ts'
import { param, prepare } from '../db/statement.ts'
import { MAX_ATTEMPTS } from './retry.ts'
import { JOB_STATES, job } from './table.ts'

/**
 * Settles a job whose message has used up its deliveries. If the job has used up its attempts and none still runs, it
 * becomes failed. Otherwise (the database did not answer, or the message was a duplicate) it stays as it is, and the search
 * for lost jobs sends it again. Repeating this changes nothing.
 */
const SETTLE = prepare(sql`
  with settled as (
    update ${job} set
      state = 'failed',
      error = coalesce(error, 'Every attempt ended without a report'),
      finished_at = ${param('now')}::timestamptz
    where id = ${param('id')} and state in ('waiting', 'running') and attempts >= ${sql.raw(String(MAX_ATTEMPTS))}
      and due_at <= ${param('now')}::timestamptz
    returning id, kind, state, attempts, error)
  select * from settled
  union all
  select id, kind, state, attempts, error from ${job} where id = ${param('id')} and not exists (select from settled)`)

const settledRow = z.object({ id: whole, kind: z.string(), state: z.enum(JOB_STATES), attempts: whole, error: text.nullable() })

/** Settles the job and returns it as it is afterwards; undefined if there is no such job. */
export const settleDeadJob = async (db: Database, id: number, now: string) => (await db.rows(SETTLE, settledRow, { id, now }))[0]
