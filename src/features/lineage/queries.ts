import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { stringifyJson } from '../../core/json.ts'
import type { Database } from '../../db/client.ts'
import { jsonOf, text, truth, whole } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { impactOf, impactShape } from '../../incidents/impact.ts'
import { addressType } from '../address-types/table.ts'
import { splitDatabaseName } from '../addresses/name-parts.ts'
import { address } from '../addresses/table.ts'
import { pipeline } from '../pipelines/table.ts'
import { readPairs, replacedLineage, replaceLineage, selfPairs } from './closure.ts'
import type { LineageAddress, LineagePost, LineageQuery } from './schemas.ts'

const replacedRow = z.object({ load_lineage: truth, replaced: jsonOf(replacedLineage).nullable() })

/**
 * Replaces the pipeline's lineage in one transaction and one round trip: missing address types, missing addresses, then
 * edges and closure. These are three statements, because each must see what other writers committed while the previous one
 * waited for them. Writes nothing if the lineage is the same, or if load_lineage is false. undefined: no such pipeline.
 */
export const replacePipelineLineage = async (db: Database, body: LineagePost, now: string) => {
  const given = [...body.source_addresses, ...body.target_addresses]
  const addresses = sql`jsonb_to_recordset(${stringifyJson(given.map(toRecord))}::jsonb) as g(
    position int, name text, type_name text, group_name text, database_name text, schema_name text, table_name text,
    primary_key text, deprecated boolean, address_metadata jsonb)`
  const sources = body.source_addresses.map(({ name }) => name)
  const targets = body.target_addresses.map(({ name }) => name)
  const [row] = await db.transaction(
    [
      createMissingTypes(addresses, body.pipeline_id, now),
      createMissingAddresses(addresses, body.pipeline_id, now),
      sql`select p.load_lineage, case when p.load_lineage then ${replaceLineage(sources, targets, now)} end as replaced
        from ${pipeline} p where p.id = ${body.pipeline_id}`,
    ],
    replacedRow,
  )
  return row
}

const toRecord = ({ name, address_type_name, address_type_group_name, ...details }: LineageAddress, position: number) => ({
  position,
  name,
  type_name: address_type_name,
  group_name: address_type_group_name,
  ...splitDatabaseName(name, address_type_group_name),
  ...Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined)),
})

const loadsLineage = (pipelineId: number): SQL => sql`exists (select from ${pipeline} p where p.id = ${pipelineId} and p.load_lineage)`

/** Inserts in the order of the names, as every writer of several rows does: two writers may wait, but never deadlock. */
const createMissingTypes = (addresses: SQL, pipelineId: number, now: string): SQL => sql`
  insert into ${addressType} (name, group_name, created_at)
  select distinct on (lower(g.type_name)) g.type_name, g.group_name, ${now}::timestamptz
  from ${addresses}
  where ${loadsLineage(pipelineId)}
    and not exists (select from ${address} a where a.name = g.name)
    and not exists (select from ${addressType} t where lower(t.name) = lower(g.type_name))
  order by lower(g.type_name), g.position
  on conflict do nothing`

/** An address that exists keeps its details: only the operations of /address change them. */
const createMissingAddresses = (addresses: SQL, pipelineId: number, now: string): SQL => sql`
  with created as (
    insert into ${address} (name, address_type_id, database_name, schema_name, table_name, primary_key, deprecated, address_metadata, created_at)
    select distinct on (g.name) g.name, t.id, g.database_name, g.schema_name, g.table_name, g.primary_key, coalesce(g.deprecated, false),
      g.address_metadata, ${now}::timestamptz
    from ${addresses} join ${addressType} t on lower(t.name) = lower(g.type_name)
    where ${loadsLineage(pipelineId)} and not exists (select from ${address} a where a.name = g.name)
    order by g.name, g.position
    on conflict do nothing
    returning id)
  ${selfPairs()}`

const pairRow = z.object({
  is_pending: truth,
  source_address_id: whole.nullable(),
  target_address_id: whole.nullable(),
  depth: whole.nullable(),
  source_address_name: text.nullable(),
  target_address_name: text.nullable(),
})

/** The pairs with the address at either end, one more than the page, and whether a job still completes the closure; undefined if there is no such address. */
export const listPairs = async (db: Database, addressId: number, query: LineageQuery) => {
  const rows = await db.rows(readPairs(addressId, query), pairRow)
  const [first] = rows
  if (!first) return undefined
  const pairs = rows.filter(({ depth }) => depth !== null).map(({ is_pending: _, ...pair }) => pair)
  return { isPending: first.is_pending, pairs }
}

const IMPACT = prepare(sql`
  select ${impactOf(sql`select ${param('id')}::bigint as id`, sql`null`)} as impact from ${address} where id = ${param('id')}`)

/** What lies downstream of an address; undefined if there is no such address. */
export const readImpact = async (db: Database, id: number) =>
  (await db.rows(IMPACT, z.object({ impact: jsonOf(impactShape) }), { id }))[0]?.impact
