import { type SQL, sql } from 'drizzle-orm'
import { FUNCTIONS } from '../db/functions.ts'

/**
 * A CTE with the id of the job that tells people what `ctes` did to incidents in this transaction; null, or no row, if they did
 * nothing. It reads them, because a CTE that only calls functions runs if something reads it.
 */
export const notifyJobAfter = (name: SQL, ctes: readonly SQL[], now: SQL): SQL => sql`
  ${name} as materialized (
    select ${sql.raw(FUNCTIONS.notify_job)}(${now}) as id
    from (select ${sql.join(
      ctes.map((cte) => sql`(select count(*) from ${cte})`),
      sql` + `,
    )} as changes offset 0) c
    where c.changes > 0)`
