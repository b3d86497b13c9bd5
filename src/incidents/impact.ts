import { z } from '@hono/zod-openapi'
import { type SQL, sql } from 'drizzle-orm'
import { once } from '../core/once.ts'
import { amount } from '../db/rows.ts'
import { address } from '../features/addresses/table.ts'
import { addressLineage, addressLineageClosure } from '../features/lineage/table.ts'
import { pipeline } from '../features/pipelines/table.ts'
import { incident } from './table.ts'

/** An impact lists at most this many pipelines and addresses, and counts the others. */
export const MAX_AFFECTED = 200

/**
 * What lies downstream of some addresses, as a subquery of one JSON object: pipelines and addresses with their distance, those with
 * open incidents first. `addresses` is a query of one column `id`; `pipelineId` (or null) is the pipeline that is not downstream of
 * itself. Index scans on the closure.
 */
export const impactOf = (addresses: SQL, pipelineId: SQL): SQL => sql`(
  with reached as materialized (
    select c.target_address_id as id, min(c.depth) as depth from (${addresses}) start
    join ${addressLineageClosure} c on c.source_address_id = start.id group by c.target_address_id),
  reader as (
    select l.pipeline_id as id, min(r.depth) + 1 as distance
    from reached r cross join lateral (select distinct pipeline_id from ${addressLineage} where source_address_id = r.id) l
    where l.pipeline_id is distinct from ${pipelineId} group by l.pipeline_id),
  item as (
    select 'pipeline' as type, p.id, p.name, r.distance, (
      select coalesce(jsonb_agg(distinct i.kind), '[]') from ${incident} i where coalesce(i.pipeline_id, 0) = p.id and i.resolved_at is null) as incidents
    from reader r join ${pipeline} p on p.id = r.id
    union all
    select 'address', a.id, a.name, r.depth, '[]' from reached r join ${address} a on a.id = r.id)
  select jsonb_build_object(
    'items', (
      select coalesce(jsonb_agg(to_jsonb(first)), '[]') from (
        select * from item order by incidents = '[]', distance, type desc, name limit ${sql.raw(String(MAX_AFFECTED))}) first),
    'pipelines', (select count(*) from reader), 'addresses', (select count(*) from reached),
    'left_out', greatest((select count(*) from reader) + (select count(*) from reached) - ${sql.raw(String(MAX_AFFECTED))}, 0)))`

/** The JSON of `impactOf`. */
/** What can be affected. */
export const AFFECTED_TYPES = ['pipeline', 'address'] as const

export const impactShape = z.object({
  items: z.array(
    z.object({ type: z.enum(AFFECTED_TYPES), id: amount, name: z.string(), distance: amount, incidents: z.array(z.string()) }),
  ),
  pipelines: amount,
  addresses: amount,
  left_out: amount,
})

const affected = once(() =>
  z
    .object({
      type: z.enum(AFFECTED_TYPES),
      id: z.int(),
      name: z.string(),
      distance: z
        .int()
        .openapi({ description: 'Pipelines: 1 reads directly what is written here. Addresses: the number of edges; 0 is written here.' }),
      incidents: z.array(z.string()).openapi({ description: "The kinds of a pipeline's open incidents." }),
    })
    .openapi('Affected'),
)

/** The answer's schema. */
export const impactAnswer = once(() =>
  z
    .object({
      items: z.array(affected()).openapi({ description: `At most ${MAX_AFFECTED}: those with open incidents first, then the nearest.` }),
      pipelines: z.int().openapi({ description: 'How many pipelines there are in all.' }),
      addresses: z.int().openapi({ description: 'How many addresses there are in all.' }),
      left_out: z.int().openapi({ description: 'How many are not in `items`.' }),
    })
    .openapi('Impact'),
)
