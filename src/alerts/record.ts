import { type SQL, sql } from 'drizzle-orm'
import { param } from '../db/statement.ts'
import { insertJob } from '../jobs/record.ts'
import { type Alert, MOST_ITEMS } from './alert.ts'

/** New findings of one sweep; where there are more, a job for the rest is recorded with them. */
export const MOST_FINDINGS = sql.raw('5000')

/**
 * The CTE by which a sweep records the alert about its CTE `logged`, where that has rows. `items` selects what is said of
 * each, in order; the first MOST_ITEMS are kept, all are counted. Placeholder: `now`.
 */
export const alerted = (alert: Alert['alert'], items: SQL): SQL => sql`alerted as (
    ${insertJob(
      'send_alert',
      sql`jsonb_build_object('alert', ${sql.raw(`'${alert}'`)}, 'at', ${param('now')}::timestamptz, 'count', count(*), 'items', (
        select jsonb_agg(first) from (${items} limit ${sql.raw(String(MOST_ITEMS))}) first))`,
    )}
    from logged
    having count(*) > 0
    returning id)`
