import { eq, getTableColumns, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Database } from '../db/client.ts'
import { finding, listing } from '../db/json-list.ts'
import { moment, readIds, text, truth, whole } from '../db/rows.ts'
import { keep, param, prepare, type Statement } from '../db/statement.ts'
import { pageOfRows } from '../http/paging.ts'
import { incident } from '../incidents/table.ts'
import { job } from '../jobs/table.ts'
import type { StoredChannel } from './receiver.ts'
import { channel, NOTIFICATION_EVENTS, NOTIFICATION_STATES, notification, notificationState } from './table.ts'

/** The columns that clients see: without the encrypted secrets. */
const { secrets: _secrets, secrets_id: _id, ...answeredOfChannel } = getTableColumns(channel)

export { answeredOfChannel }

export const listChannels = listing<object>({ table: channel, columns: answeredOfChannel, conditions: {} })

export const findChannel = finding(channel, answeredOfChannel)

const DELETE = prepare(sql`delete from ${channel} where id = ${param('id')} returning id`)

/** Deletes a channel: what it has not sent yet is dropped. False if there is no such channel. */
export const deleteChannel = async (db: Database, id: number): Promise<boolean> => (await readIds(db, DELETE, { id })).length > 0

/** A channel with its encrypted secrets, to send to; undefined if there is none. */
export const readChannel = async (db: Database, id: number): Promise<StoredChannel | undefined> =>
  (
    await db.orm
      .select({
        name: channel.name,
        kind: channel.kind,
        settings: channel.settings,
        secrets: channel.secrets,
        secrets_id: channel.secrets_id,
      })
      .from(channel)
      .where(eq(channel.id, id))
  )[0]

export interface NotificationFilters {
  limit: number
  before_id: number
  incident_id?: number | undefined
  channel_id?: number | undefined
  state?: (typeof NOTIFICATION_STATES)[number] | undefined
}

const CONDITIONS = {
  incident_id: sql`n.incident_id = ${param('incident_id')}`,
  channel_id: sql`n.channel_id = ${param('channel_id')}`,
  state: sql`${notificationState} = ${param('state')}`,
}

const notificationRow = z.object({
  id: whole,
  channel_id: whole.nullable(),
  channel_name: text,
  incident_id: whole,
  event: z.enum(NOTIFICATION_EVENTS),
  state: z.enum(NOTIFICATION_STATES),
  attempts: whole,
  error: text.nullable(),
  job_id: whole.nullable(),
  created_at: moment,
  sent_at: moment.nullable(),
})

const listOf = (names: (keyof typeof CONDITIONS)[]): Statement =>
  prepare(sql`
    select n.id, nullif(n.channel_id, 0) as channel_id, n.channel_name, n.incident_id, n.event, ${notificationState} as state, n.attempts, j.error, n.job_id,
      n.created_at, coalesce(n.sent_at, case when j.state = 'succeeded' and n.state = 'sending' then j.finished_at end) as sent_at
    from ${notification} n left join ${job} j on j.id = n.job_id
    where n.id < ${param('before_id')} ${sql.join(
      names.map((name) => sql`and ${CONDITIONS[name]}`),
      sql` `,
    )}
    order by n.id desc limit ${param('rows')}`)

const statements = keep<Statement>()

/** A page of notifications, newest first, and the `before_id` of the next page, or null. */
export const listNotifications = async (db: Database, { limit, ...filters }: NotificationFilters) => {
  const names = (Object.keys(CONDITIONS) as (keyof typeof CONDITIONS)[]).filter((name) => filters[name] !== undefined)
  const rows = await db.rows(
    statements(names.join(), () => listOf(names)),
    notificationRow,
    { ...filters, rows: limit + 1 },
  )
  const { shown, next } = pageOfRows(rows, limit)
  return { notifications: shown, next }
}

/** It tells of a beginning, and the incident is over: nobody would hear of the end. */
const IS_OVER = sql`(n.event <> 'resolved' and exists (select from ${incident} i where i.id = n.incident_id and i.resolved_at is not null))`

const REPLAY = prepare(sql`
  with replayed as (
    update ${job} j set state = 'waiting', attempts = 0, due_at = ${param('now')}::timestamptz, resent_at = null, finished_at = null
    from ${notification} n
    where n.id = ${param('id')} and j.id = n.job_id and j.state = 'failed' and n.state <> 'dropped' and not ${IS_OVER}
    returning j.id)
  select n.id, (select id from replayed) as job_id, exists (select from replayed) as replayed, ${IS_OVER} as is_over
  from ${notification} n where n.id = ${param('id')}`)

/**
 * Sends a failed notification again, with those that go with it; undefined: no such notification; `replayed` false: it has not failed, or what
 * it tells of is over (`is_over`).
 */
export const replayNotification = async (db: Database, id: number, now: string) =>
  (await db.rows(REPLAY, z.object({ id: whole, job_id: whole.nullable(), replayed: truth, is_over: truth }), { id, now }))[0]
