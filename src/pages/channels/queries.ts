import { sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Database } from '../../db/client.ts'
import { SEVERITIES } from '../../db/constraints.ts'
import { amount, jsonOf, moment } from '../../db/rows.ts'
import { prepare } from '../../db/statement.ts'
import { job } from '../../jobs/table.ts'
import { isFailing } from '../../notifications/failing.ts'
import { channel, NOTIFICATION_STATES, notification, notificationState } from '../../notifications/table.ts'

const MAX_CHANNELS = 200

/** The last delivery of the channel `c`: index notification_of_channel. */
const lastOf = sql`(
  select to_jsonb(l) || jsonb_build_object('is_failing', ${isFailing}) from (
    select n.id, ${notificationState} as state, j.error, coalesce(n.sent_at, j.finished_at, n.created_at) as at, n.incident_id
    from ${notification} n left join ${job} j on j.id = n.job_id
    where n.channel_id = c.id and n.state <> 'dropped' order by n.id desc limit 1) l)`

const CHANNELS = prepare(sql`
  select (
    select coalesce(jsonb_agg(jsonb_build_object('id', c.id, 'name', c.name, 'kind', c.kind, 'active', c.active, 'min_severity', c.min_severity,
      'kinds', c.kinds, 'owners', c.owners, 'tags', c.tags, 'pipeline_type_ids', c.pipeline_type_ids, 'last', ${lastOf}) order by c.name), '[]')
    from (select * from ${channel} order by name limit ${sql.raw(String(MAX_CHANNELS))}) c) as channels,
    (select ${lastOf} from (select 0 as id) c) as environment`)

const last = z
  .object({
    state: z.enum(NOTIFICATION_STATES),
    error: z.string().nullable(),
    at: moment,
    incident_id: amount,
    /** Whether the channel is failing. */
    is_failing: z.boolean(),
  })
  .nullable()

const channelsRow = z.object({
  channels: jsonOf(
    z.array(
      z.object({
        id: amount,
        name: z.string(),
        kind: z.string(),
        active: z.boolean(),
        min_severity: z.enum(SEVERITIES).nullable(),
        kinds: z.array(z.string()).nullable(),
        owners: z.array(z.string()).nullable(),
        tags: z.array(z.string()).nullable(),
        pipeline_type_ids: z.array(amount).nullable(),
        last,
      }),
    ),
  ),
  /** The last delivery of the channel of the environment. */
  environment: jsonOf(last).nullable(),
})
export type Channels = z.output<typeof channelsRow>

/** Every channel with its last delivery. */
export const readChannels = async (db: Database): Promise<Channels> => {
  const [row] = await db.rows(CHANNELS, channelsRow)
  if (!row) throw new Error('the channels are one row')
  return row
}
