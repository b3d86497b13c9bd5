import { sql } from 'drizzle-orm'
import { job } from '../jobs/table.ts'
import { channel, notification } from './table.ts'

/** A channel whose last so many deliveries failed is failing. */
export const FAILING_AFTER = 5

/** The number of active channels that are failing, for a page's statement. */
export const failingChannels = sql`(
  select count(*) from ${channel} c where c.active and ${sql.raw(String(FAILING_AFTER))} = (
    select count(*) filter (where j.state = 'failed') from (
      select n.job_id from ${notification} n where n.channel_id = c.id and n.state <> 'dropped' order by n.id desc limit ${sql.raw(String(FAILING_AFTER))}) l
    join ${job} j on j.id = l.job_id))`
