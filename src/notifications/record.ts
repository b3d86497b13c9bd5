import { type SQL, sql } from 'drizzle-orm'
import { insertJobs } from '../jobs/record.ts'
import { MAX_ITEMS } from './alert.ts'

/** The insert that records a `send_alert` job for each row of `payloads`, a query of one jsonb column `payload`. */
export const insertAlerts = (payloads: SQL, now: SQL): SQL => insertJobs('send_alert', payloads, now)

/**
 * Selects one payload for all findings of a sweep. It holds the first MAX_ITEMS rows of `items`, an ordered query of jsonb
 * values `item`, and the number of rows in `counted`. It selects nothing if `counted` is empty.
 */
export const oneAlert = (kind: string, now: SQL, counted: SQL, items: SQL): SQL => sql`
  select jsonb_build_object('alert', ${sql.raw(`'${kind}'`)}, 'at', ${now}, 'count', count(*), 'items', (
    select jsonb_agg(first.item) from (${items} limit ${sql.raw(String(MAX_ITEMS))}) first)) as payload
  from ${counted}
  having count(*) > 0`
