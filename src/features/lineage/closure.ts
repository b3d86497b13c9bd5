import { type SQL, sql } from 'drizzle-orm'
import { FUNCTIONS } from '../../db/functions.ts'
import { address } from '../addresses/table.ts'
import type { LineageQuery } from './schemas.ts'
import { addressLineageClosure } from './table.ts'

/** What reads and writes the closure table, beside the self pair that comes with a new address (addresses/queries.ts). */

/**
 * Makes the lineage of the pipeline `p` exactly sources x targets, and the closure exact again; an expression, whose
 * value is the number of the pipeline's edges. The addresses must exist. The algorithm, its cost and its lock are
 * described with the function (replace.sql): it runs in the database because its loop over distances would otherwise be
 * a round trip each.
 */
export const replaceLineage = (sources: string[], targets: string[]): SQL =>
  sql`${sql.raw(FUNCTIONS.replace_address_lineage)}(p_pipeline_id => p.id, p_source_names => ${sql.param(sources)}::text[],
    p_target_names => ${sql.param(targets)}::text[])`

/** The self pairs of new addresses; a CTE body that reads ids from `created`. */
export const selfPairs = (): SQL =>
  sql`insert into ${addressLineageClosure} (source_address_id, target_address_id, depth) select id, id, 0 from created`

const DIRECTIONS = {
  downstream: (id: number) => [sql`c.source_address_id = ${id}`],
  upstream: (id: number) => [sql`c.target_address_id = ${id}`],
  both: (id: number) => [...DIRECTIONS.downstream(id), ...DIRECTIONS.upstream(id)],
}

/** The pairs the address is an end of, nearest first, one more than the page. One row with null ends: it has none. No row: no such address. */
export const readPairs = (addressId: number, { direction, max_depth, limit, offset }: LineageQuery): SQL => {
  const branches = DIRECTIONS[direction](addressId).map(
    (end) => sql`select c.* from ${addressLineageClosure} c where ${end} and c.depth between 1 and ${max_depth}`,
  )
  return sql`
    with page as (
      select * from (${sql.join(branches, sql` union all `)}) reached
      order by depth, source_address_id, target_address_id limit ${limit + 1} offset ${offset})
    select r.source_address_id, r.target_address_id, r.depth, s.name as source_address_name, t.name as target_address_name
    from ${address} a
    left join page r on true
    left join ${address} s on s.id = r.source_address_id
    left join ${address} t on t.id = r.target_address_id
    where a.id = ${addressId}
    order by r.depth, r.source_address_id, r.target_address_id`
}
