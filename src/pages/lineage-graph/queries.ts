import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { once } from '../../core/once.ts'
import type { Database } from '../../db/client.ts'
import { amount, jsonOf, text, whole } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { addressType } from '../../features/address-types/table.ts'
import { address } from '../../features/addresses/table.ts'
import { addressLineage, addressLineageClosure } from '../../features/lineage/table.ts'
import { pipelineType } from '../../features/pipeline-types/table.ts'
import { pipeline } from '../../features/pipelines/table.ts'
import { incident } from '../../incidents/table.ts'
import { patternOf } from '../frame/fields.ts'
import { isSilenced, PROBLEMS } from '../frame/problems.ts'
import { CALM, type Graph, type Mark } from './shape.ts'

/** A larger drawing is unreadable: the nearest addresses are shown, and the page says how many there are in all. */
const MAX_ADDRESSES = 500
/** Edges between the shown addresses. */
export const MAX_EDGES = 2_000
/** Addresses that “Only paths to” matches: the nearest. */
const MAX_WANTED = 50
const MAX_FOUND = 20
/** Longer metadata of a pipeline is left to the page of the pipeline. */
const MAX_METADATA_LETTERS = 400

export const DIRECTIONS = ['both', 'upstream', 'downstream'] as const
export type Direction = (typeof DIRECTIONS)[number]

/** Addresses whose name contains the text: the exact name first, then by the position of the text. */
const FIND = sql`
  select a.id, a.name, t.name as type from ${address} a join ${addressType} t on t.id = a.address_type_id
  where a.name ilike ${param('search_like')}
  order by a.name <> ${param('search')}, position(lower(${param('search')}) in lower(a.name)), a.name limit ${sql.raw(String(MAX_FOUND))}`

/** Why several incidents need nobody now: all are silenced, or each is silenced or acknowledged; null if one is open. */
const calmOf = (calm: SQL): SQL =>
  sql`case when bool_and(coalesce(${calm} = 'silenced', false)) then 'silenced' when bool_and(${calm} is not null) then 'acknowledged' end`

/**
 * The addresses upstream and downstream of an address, nearest first, the edges between them, and the pipelines of these edges
 * with their problems. `like` keeps only the paths to addresses whose name matches. One side takes two Index Scans on the
 * closure. `total` counts all addresses, also those beyond MAX_ADDRESSES.
 */
const graphAround = (centre: SQL, found: SQL) =>
  prepare(sql`
  with centre as (${centre}),
  trouble as materialized (
    select pipeline_id, kind, ${calmOf(sql`case when is_silenced then 'silenced' when state = 'acknowledged' then 'acknowledged' end`)} as calm
    from (select i.pipeline_id, i.kind, i.state, ${isSilenced} as is_silenced from ${incident} i where i.resolved_at is null and i.pipeline_id is not null) o
    group by pipeline_id, kind),
  reach as (
    select target_address_id as id, depth, 'downstream' as side from ${addressLineageClosure}
    where source_address_id = (select id from centre) and depth between 1 and ${param('max_depth')} and ${param('direction')}::text <> 'upstream'
    union all
    select source_address_id, depth, 'upstream' from ${addressLineageClosure}
    where target_address_id = (select id from centre) and depth between 1 and ${param('max_depth')} and ${param('direction')}::text <> 'downstream'),
  wanted as (
    select r.id, r.side from reach r join ${address} a on a.id = r.id
    where ${param('like')}::text is not null and a.name ilike ${param('like')} order by r.depth, r.id limit ${sql.raw(String(MAX_WANTED))}),
  kept as (
    select * from reach where ${param('like')}::text is null
    union
    select r.* from wanted w join ${addressLineageClosure} c on w.side = 'downstream' and c.target_address_id = w.id
      join reach r on r.side = 'downstream' and r.id = c.source_address_id
    union
    select r.* from wanted w join ${addressLineageClosure} c on w.side = 'upstream' and c.source_address_id = w.id
      join reach r on r.side = 'upstream' and r.id = c.target_address_id),
  near as (
    select id, min(depth) as depth, min(side) as side from kept where id <> (select id from centre) group by id
    order by min(depth), id limit ${sql.raw(String(MAX_ADDRESSES - 1))}),
  shown as (select id, depth, side from near union all select id, 0, 'centre' from centre),
  edge as (
    select l.source_address_id as source, l.target_address_id as target, jsonb_agg(l.pipeline_id order by l.pipeline_id) as pipelines
    from ${addressLineage} l where l.source_address_id in (select id from shown) and l.target_address_id in (select id from shown)
    group by l.source_address_id, l.target_address_id
    order by l.source_address_id, l.target_address_id limit ${sql.raw(String(MAX_EDGES + 1))}),
  writer as (
    select id, jsonb_agg(jsonb_build_object('kind', kind, 'calm', calm)) as wrong
    from (
      select l.target_address_id as id, trouble.kind, ${calmOf(sql`trouble.calm`)} as calm
      from ${addressLineage} l join trouble on trouble.pipeline_id = l.pipeline_id
      where l.target_address_id in (select id from shown) group by l.target_address_id, trouble.kind) w
    group by id),
  maker as (
    select p.id, p.name, t.name as type, not p.active as inactive,
      case when length(p.pipeline_metadata::text) <= ${sql.raw(String(MAX_METADATA_LETTERS))} then p.pipeline_metadata end as metadata,
      w.wrong
    from ${pipeline} p join ${pipelineType} t on t.id = p.pipeline_type_id
    left join (select pipeline_id, jsonb_agg(jsonb_build_object('kind', kind, 'calm', calm)) as wrong
      from trouble group by pipeline_id) w on w.pipeline_id = p.id
    where p.id in (select jsonb_array_elements_text(pipelines)::bigint from edge))
  select
    (select coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'name', a.name, 'type', t.name, 'deprecated', a.deprecated, 'depth', shown.depth,
        'side', shown.side, 'wrong', w.wrong) order by shown.depth, a.name), '[]')
      from shown join ${address} a on a.id = shown.id join ${addressType} t on t.id = a.address_type_id left join writer w on w.id = a.id) as addresses,
    (select coalesce(jsonb_agg(jsonb_build_array(source, target, pipelines)), '[]') from edge) as edges,
    (select coalesce(jsonb_agg(to_jsonb(maker)), '[]') from maker) as pipelines,
    (select count(distinct id) + 1 from kept where id <> (select id from centre))::text as total,
    ${found} as found`)

const GRAPH_OF_ID = once(() => graphAround(sql`select id from ${address} where id = ${param('id')}`, sql`'[]'::jsonb`))

/** The graph around the address of this name; the addresses whose name contains it if there is none. */
const GRAPH_OF_NAME = once(() =>
  graphAround(
    sql`select id from ${address} where name = ${param('search')}`,
    sql`case when exists (select from centre) then '[]' else (select coalesce(jsonb_agg(to_jsonb(f)), '[]') from (${FIND}) f) end`,
  ),
)

/** Kinds of open incidents as badges, worst first. */
const marks = z
  .array(z.object({ kind: z.string(), calm: z.enum(CALM).nullable() }))
  .nullable()
  .transform((found): Mark[] =>
    PROBLEMS.flatMap(({ kind, badge }) => (found ?? []).filter((open) => open.kind === kind).map(({ calm }) => ({ ...badge, calm }))),
  )

/** true, or left out. */
const onlyTrue = z.boolean().transform((is) => is || undefined)

const foundShape = z.array(z.object({ id: amount, name: z.string(), type: z.string() }))

const graphRow = z.object({
  addresses: jsonOf(
    z.array(
      z.object({
        id: amount,
        name: z.string(),
        type: z.string(),
        deprecated: onlyTrue,
        depth: amount,
        side: z.enum(['centre', 'upstream', 'downstream']),
        wrong: marks,
      }),
    ),
  ),
  edges: jsonOf(z.array(z.tuple([amount, amount, z.array(amount)]))),
  pipelines: jsonOf(
    z.array(
      z.object({
        id: amount,
        name: z.string(),
        type: z.string(),
        inactive: onlyTrue,
        metadata: z
          .record(z.string(), z.unknown())
          .nullable()
          .transform((metadata) => metadata ?? undefined),
        wrong: marks.transform((wrong) => (wrong.length > 0 ? wrong : undefined)),
      }),
    ),
  ),
  total: whole,
  found: jsonOf(foundShape),
})

/** The graph, and the number of all addresses, shown or not. */
export type CountedGraph = Graph & { total: number }

export type Found = z.output<typeof foundShape>[number]

export interface GraphFilters {
  direction: Direction
  depth: number
  /** Only the paths to addresses whose name contains this; empty: all. */
  target: string
}

/** Reads the graph around an address, by its id or its exact name; without such an address, those whose name contains the text. */
export const readGraph = async (
  db: Database,
  centre: { id: number } | { search: string },
  { direction, depth, target }: GraphFilters,
  now: string,
): Promise<{ graph: CountedGraph | undefined; found: Found[] }> => {
  const byId = 'id' in centre
  const [row] = await db.rows(byId ? GRAPH_OF_ID() : GRAPH_OF_NAME(), graphRow, {
    ...(byId ? { id: centre.id } : { search: centre.search, search_like: patternOf(centre.search) }),
    direction,
    max_depth: depth,
    like: patternOf(target),
    now,
  })
  if (!row) throw new Error('the graph must be one row')
  const { found, ...graph } = row
  return { graph: graph.addresses.length > 0 ? graph : undefined, found }
}

const FIND_ALONE = prepare(FIND)

/** The addresses that most other addresses are made from: good starting points. */
const BUSIEST = prepare(sql`
  select a.id, a.name, t.name as type from (
    select source_address_id as id, count(distinct target_address_id) as readers from ${addressLineage}
    group by source_address_id order by readers desc, source_address_id limit ${sql.raw(String(MAX_FOUND))}) busiest
  join ${address} a using (id) join ${addressType} t on t.id = a.address_type_id order by readers desc, a.name`)

const foundRow = z.object({ id: whole, name: text, type: text })

/** Finds at most 20 addresses by a part of their name; if it is empty, the ones that most others are made from. */
export const findAddresses = (db: Database, search: string): Promise<Found[]> =>
  search === '' ? db.rows(BUSIEST, foundRow) : db.rows(FIND_ALONE, foundRow, { search, search_like: patternOf(search) })
