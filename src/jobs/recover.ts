import { sql } from 'drizzle-orm'
import { addSeconds } from '../core/instant.ts'
import type { Database } from '../db/client.ts'
import { anyRow, readIds } from '../db/rows.ts'
import { param, prepare } from '../db/statement.ts'
import type { Trace } from '../tracing/trace.ts'
import { type JobMessage, sendJobs } from './dispatch.ts'
import { job } from './table.ts'

/** A message in good health arrives long before: what is due for longer has lost its message, or waits in a long queue. */
const GRACE_SECONDS = 120
/** A long queue must not grow by what it holds already: each job is sent again once an hour at the most. */
const RESEND_SECONDS = 3600
const MAX_PER_ROUND = 500
const MAX_ROUNDS = 10

const LOST = prepare(sql`
  select id from ${job}
  where state in ('waiting', 'running') and due_at < ${param('due_before')}::timestamptz
    and (resent_at is null or resent_at < ${param('resent_before')}::timestamptz)
  order by due_at, id
  limit ${sql.raw(String(MAX_PER_ROUND))}`)

const RESENT = prepare(sql`update ${job} set resent_at = ${param('now')}::timestamptz where id = any(${param('ids')}::bigint[])`)

/**
 * Sends again what was recorded and never arrived, and what was claimed by a worker that is gone. Marked as sent only
 * afterwards: a worker that dies in between has sent some twice, which is harmless, and lost none. Answers how many.
 */
export const resendLostJobs = async (db: Database, queue: Queue<JobMessage>, now: string, trace: Trace): Promise<number> => {
  let count = 0
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const ids = await readIds(db, LOST, {
      due_before: addSeconds(now, -GRACE_SECONDS),
      resent_before: addSeconds(now, -RESEND_SECONDS),
    })
    if (ids.length === 0) break
    await sendJobs(queue, ids, trace)
    await db.rows(RESENT, anyRow, { now, ids: `{${ids.join(',')}}` })
    count += ids.length
    if (ids.length < MAX_PER_ROUND) break
  }
  return count
}
