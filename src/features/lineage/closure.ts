import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Database } from '../../db/client.ts'
import { FUNCTIONS } from '../../db/functions.ts'
import { amount, whole } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { address } from '../addresses/table.ts'
import type { LineageQuery } from './schemas.ts'
import { addressLineageClosure, addressLineagePending } from './table.ts'

/** Everything that reads and writes the closure table, except that a posted address adds its own self pair (addresses/queries.ts). */

/**
 * An expression that makes the lineage of the pipeline `p` exactly sources x targets and updates the closure, or lets a job do
 * that (see `replacedLineage`). The addresses must exist. replace.sql describes the algorithm, its cost and its lock. It runs in
 * the database: otherwise each step of its loop over distances would be a round trip.
 */
export const replaceLineage = (sources: string[], targets: string[], now: string): SQL =>
  sql`${sql.raw(FUNCTIONS.replace_address_lineage)}(p_pipeline_id => p.id, p_source_names => ${sql.param(sources)}::text[],
    p_target_names => ${sql.param(targets)}::text[], p_max_pairs => ${MAX_PAIRS_AT_ONCE}, p_now => ${now}::timestamptz)`

/** A change that may concern more pairs of the closure is left to a job: it would take longer than a request may. */
const MAX_PAIRS_AT_ONCE = 100_000

/** What replaceLineage returns: the pipeline's edges, and the job that completes a pending closure. */
export const replacedLineage = z.object({
  relationships: amount,
  closure: z.enum(['complete', 'pending']),
  job_id: amount.optional(),
})

/** One step of a job: other writers wait for their turn meanwhile. */
const STEP_MILLIS = 400
const COMPLETE = prepare(sql`select ${sql.raw(FUNCTIONS.complete_lineage_closure)}(p_millis => ${param('millis')}) as left`)

/** Computes a part of a pending closure. Returns how many addresses still wait for their turn. */
export const completeStep = async (db: Database): Promise<number> =>
  (await db.rows(COMPLETE, z.object({ left: whole }), { millis: STEP_MILLIS }))[0]?.left ?? 0

/** The insert of self pairs for new addresses; it reads their ids from the CTE `created`. */
export const selfPairs = (): SQL =>
  sql`insert into ${addressLineageClosure} (source_address_id, target_address_id, depth) select id, id, 0 from created`

const DIRECTIONS = {
  downstream: (id: number) => [sql`c.source_address_id = ${id}`],
  upstream: (id: number) => [sql`c.target_address_id = ${id}`],
  both: (id: number) => [...DIRECTIONS.downstream(id), ...DIRECTIONS.upstream(id)],
}

/** Pairs with the address at either end, nearest first, one more than the page. A row of nulls: no pairs. No row: no such address. */
export const readPairs = (addressId: number, { direction, max_depth, limit, offset }: LineageQuery): SQL => {
  const branches = DIRECTIONS[direction](addressId).map(
    (end) => sql`select c.* from ${addressLineageClosure} c where ${end} and c.depth between 1 and ${max_depth}`,
  )
  return sql`
    with page as (
      select * from (${sql.join(branches, sql` union all `)}) reached
      order by depth, source_address_id, target_address_id limit ${limit + 1} offset ${offset})
    select exists (select from ${addressLineagePending}) as is_pending, r.source_address_id, r.target_address_id, r.depth, s.name as source_address_name, t.name as target_address_name
    from ${address} a
    left join page r on true
    left join ${address} s on s.id = r.source_address_id
    left join ${address} t on t.id = r.target_address_id
    where a.id = ${addressId}
    order by r.depth, r.source_address_id, r.target_address_id`
}
