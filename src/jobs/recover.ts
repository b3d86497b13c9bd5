import { sql } from 'drizzle-orm'
import { addSeconds } from '../core/instant.ts'
import type { Database } from '../db/client.ts'
import { anyRow, readIds } from '../db/rows.ts'
import { param, prepare } from '../db/statement.ts'
import type { Trace } from '../tracing/trace.ts'
import { type JobMessage, sendJobs } from './dispatch.ts'
import { job } from './table.ts'

/** A message normally arrives long before this. A job that is due for longer has lost its message, or the queue is long. */
const GRACE_SECONDS = 120
/** Each job is sent again at most once an hour. Otherwise a long queue would grow by the jobs it already holds. */
const RESEND_SECONDS = 3600
const MAX_PER_ROUND = 500
/** A cron may run for 15 minutes on the platform; the next tick goes on with what is left. */
const MAX_MILLIS = 10 * 60_000

const LOST = prepare(sql`
  select id from ${job}
  where state in ('waiting', 'running') and due_at < ${param('due_before')}::timestamptz
    and (resent_at is null or resent_at < due_at or resent_at < ${param('resent_before')}::timestamptz)
  order by due_at, id
  limit ${sql.raw(String(MAX_PER_ROUND))}`)

/** Jobs that were recorded long before they are due (see FAR_SECONDS in run.ts), and are due before the next tick. */
const AHEAD_SECONDS = 15 * 60
const COMING = prepare(sql`
  select id from ${job}
  where state = 'waiting' and attempts = 0 and due_at >= ${param('due_before')}::timestamptz and due_at < ${param('due_until')}::timestamptz
    and due_at > created_at + interval '30 minutes' and resent_at is null
  order by due_at, id
  limit ${sql.raw(String(MAX_PER_ROUND))}`)

const RESENT = prepare(sql`update ${job} set resent_at = ${param('now')}::timestamptz where id = any(${param('ids')}::bigint[])`)

/**
 * Sends jobs again that never arrived, or whose worker is gone, and those that become due before the next tick, until there are none. A job is marked after its send: a worker that stops between
 * the two sends some jobs twice, which is harmless, and loses none. Returns how many jobs it sent.
 */
export const resendLostJobs = async (db: Database, queue: Queue<JobMessage>, now: string, trace: Trace): Promise<number> => {
  const dueBefore = addSeconds(now, -GRACE_SECONDS)
  const lost = await resend(db, queue, now, trace, () =>
    readIds(db, LOST, { due_before: dueBefore, resent_before: addSeconds(now, -RESEND_SECONDS) }),
  )
  await resend(db, queue, now, trace, () => readIds(db, COMING, { due_before: dueBefore, due_until: addSeconds(now, AHEAD_SECONDS) }))
  return lost
}

/** Sends what `read` finds until it finds nothing. */
const resend = async (
  db: Database,
  queue: Queue<JobMessage>,
  now: string,
  trace: Trace,
  read: () => Promise<number[]>,
): Promise<number> => {
  let count = 0
  for (const deadline = Date.now() + MAX_MILLIS; Date.now() < deadline; ) {
    const ids = await read()
    if (ids.length === 0) break
    await sendJobs(queue, ids, trace)
    await db.rows(RESENT, anyRow, { now, ids: `{${ids.join(',')}}` })
    count += ids.length
    if (ids.length < MAX_PER_ROUND) break
  }
  return count
}
