import { type SQL, sql } from 'drizzle-orm'
import { insertJobs } from '../jobs/record.ts'
import { MAX_ITEMS } from './alert.ts'

/** The insert that records a `send_alert` job for each row of `payloads`, which selects one jsonb column `payload`. */
export const insertAlerts = (payloads: SQL, now: SQL): SQL => insertJobs('send_alert', payloads, now)

/**
 * Payloads that put all rows of `items` (a query of jsonb values `item`, in order) into one alert: the first MAX_ITEMS are
 * kept, all of them, the rows of `counted`, are counted. No row, no alert.
 */
export const oneAlert = (kind: string, now: SQL, counted: SQL, items: SQL): SQL => sql`
  select jsonb_build_object('alert', ${sql.raw(`'${kind}'`)}, 'at', ${now}, 'count', count(*), 'items', (
    select jsonb_agg(first.item) from (${items} limit ${sql.raw(String(MAX_ITEMS))}) first)) as payload
  from ${counted}
  having count(*) > 0`
