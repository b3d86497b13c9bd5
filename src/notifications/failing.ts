import { sql } from 'drizzle-orm'
import { FUNCTIONS } from '../db/functions.ts'
import { channel } from './table.ts'

/** Whether the channel `c` is failing: its last five deliveries failed. */
export const isFailing = sql`${sql.raw(FUNCTIONS.channel_is_failing)}(c.id)`

/** The number of active channels that are failing, for a page's statement. */
export const failingChannels = sql`(select count(*) from ${channel} c where c.active and ${isFailing})`
