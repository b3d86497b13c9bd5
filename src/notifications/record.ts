import { type SQL, sql } from 'drizzle-orm'
import { MAX_ITEMS } from './alert.ts'

/**
 * Selects one payload for all findings of a sweep. It holds the first MAX_ITEMS rows of `items`, an ordered query of jsonb
 * values `item`, and the number of rows in `counted`. It selects nothing if `counted` is empty.
 */
export const oneAlert = (kind: string, now: SQL, counted: SQL, items: SQL): SQL => sql`
  select jsonb_build_object('alert', ${sql.raw(`'${kind}'`)}, 'at', ${now}, 'count', count(*), 'items', (
    select jsonb_agg(first.item) from (${items} limit ${sql.raw(String(MAX_ITEMS))}) first)) as payload
  from ${counted}
  having count(*) > 0`
