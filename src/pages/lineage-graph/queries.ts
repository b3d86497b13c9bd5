import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { addSeconds } from '../../core/instant.ts'
import { once } from '../../core/once.ts'
import type { Database } from '../../db/client.ts'
import { amount, jsonOf, text, whole } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { addressType } from '../../features/address-types/table.ts'
import { address } from '../../features/addresses/table.ts'
import { addressLineage, addressLineageClosure } from '../../features/lineage/table.ts'
import { pipelineType } from '../../features/pipeline-types/table.ts'
import { pipeline } from '../../features/pipelines/table.ts'
import { toneOf } from '../frame/elements.tsx'
import { patternOf } from '../frame/fields.ts'
import { DAY_SECONDS, joinProblems, nameOf, PROBLEM_WORDS, problems, wordsWhere } from '../frame/problems.ts'
import type { Graph, Mark } from './shape.ts'

/** A larger drawing is unreadable: the nearest addresses are shown, and the page says how many there are in all. */
const MAX_ADDRESSES = 500
/** Edges between the shown addresses. */
export const MAX_EDGES = 2_000
/** Addresses that “Only paths to” matches: the nearest. */
const MAX_WANTED = 50
const MAX_FOUND = 20

export const DIRECTIONS = ['both', 'upstream', 'downstream'] as const
export type Direction = (typeof DIRECTIONS)[number]

/**
 * The addresses upstream and downstream of an address, nearest first, the edges between them, and the pipelines of these edges
 * with their problems. `like` keeps only the paths to addresses whose name matches. One side takes two Index Scans on the
 * closure. `total` counts all addresses, also those beyond MAX_ADDRESSES.
 */
const GRAPH = once(() =>
  prepare(sql`
  with ${problems},
  reach as (
    select target_address_id as id, depth, 'downstream' as side from ${addressLineageClosure}
    where source_address_id = ${param('id')} and depth between 1 and ${param('max_depth')} and ${param('direction')}::text <> 'upstream'
    union all
    select source_address_id, depth, 'upstream' from ${addressLineageClosure}
    where target_address_id = ${param('id')} and depth between 1 and ${param('max_depth')} and ${param('direction')}::text <> 'downstream'),
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
    select id, min(depth) as depth, min(side) as side from kept where id <> ${param('id')} group by id
    order by min(depth), id limit ${sql.raw(String(MAX_ADDRESSES - 1))}),
  shown as (select id, depth, side from near union all select id, 0, 'centre' from ${address} where id = ${param('id')}),
  edge as (
    select l.source_address_id as source, l.target_address_id as target, jsonb_agg(l.pipeline_id order by l.pipeline_id) as pipelines
    from ${addressLineage} l where l.source_address_id in (select id from shown) and l.target_address_id in (select id from shown)
    group by l.source_address_id, l.target_address_id
    order by l.source_address_id, l.target_address_id limit ${sql.raw(String(MAX_EDGES + 1))}),
  writer as (
    select l.target_address_id as id, ${sql.join(
      PROBLEM_WORDS.map((word) => sql`bool_or(${nameOf(word)}.pipeline_id is not null) as ${nameOf(word)}`),
      sql`, `,
    )}
    from (select distinct target_address_id, pipeline_id from ${addressLineage} where target_address_id in (select id from shown)) l
    ${joinProblems(sql`l.pipeline_id`)}
    group by l.target_address_id),
  maker as (
    select p.id, p.name, t.name as type, p.active, p.pipeline_metadata as metadata,
      ${wordsWhere((word) => sql`${nameOf(word)}.pipeline_id is not null`)} as wrong
    from ${pipeline} p join ${pipelineType} t on t.id = p.pipeline_type_id
    ${joinProblems(sql`p.id`)}
    where p.id in (select jsonb_array_elements_text(pipelines)::bigint from edge))
  select
    (select coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'name', a.name, 'type', t.name, 'deprecated', a.deprecated, 'depth', shown.depth,
        'side', shown.side, 'wrong', ${wordsWhere((word) => sql`w.${nameOf(word)}`)})
        order by shown.depth, a.name), '[]')
      from shown join ${address} a on a.id = shown.id join ${addressType} t on t.id = a.address_type_id left join writer w on w.id = a.id) as addresses,
    (select coalesce(jsonb_agg(to_jsonb(edge)), '[]') from edge) as edges,
    (select coalesce(jsonb_agg(to_jsonb(maker)), '[]') from maker) as pipelines,
    (select count(distinct id) + 1 from kept where id <> ${param('id')})::text as total`),
)

/** Words of problems with their colours. */
const marks = z.array(z.string()).transform((words): Mark[] => words.map((word) => ({ word, tone: toneOf(word) })))

const graphRow = z.object({
  addresses: jsonOf(
    z.array(
      z.object({
        id: amount,
        name: z.string(),
        type: z.string(),
        deprecated: z.boolean(),
        depth: amount,
        side: z.enum(['centre', 'upstream', 'downstream']),
        wrong: marks,
      }),
    ),
  ),
  edges: jsonOf(z.array(z.object({ source: amount, target: amount, pipelines: z.array(amount) }))),
  pipelines: jsonOf(
    z.array(
      z.object({
        id: amount,
        name: z.string(),
        type: z.string(),
        active: z.boolean(),
        metadata: z.record(z.string(), z.unknown()).nullable(),
        wrong: marks,
      }),
    ),
  ),
  total: whole,
})

/** The graph, and the number of all addresses, shown or not. */
export type CountedGraph = Graph & { total: number }

/** Reads the graph around an address; undefined if the address does not exist. */
export const readGraph = async (
  db: Database,
  { id, direction, maxDepth, search }: { id: number; direction: Direction; maxDepth: number; search: string },
  now: string,
): Promise<CountedGraph | undefined> => {
  const [row] = await db.rows(GRAPH(), graphRow, {
    id,
    direction,
    max_depth: maxDepth,
    like: patternOf(search),
    now,
    day_ago: addSeconds(now, -DAY_SECONDS),
  })
  return row && row.addresses.length > 0 ? row : undefined
}

/** Addresses whose name contains the text: the exact name first, then by the position of the text. */
const FIND = prepare(sql`
  select a.id, a.name, t.name as type from ${address} a join ${addressType} t on t.id = a.address_type_id
  where a.name ilike ${param('like')}
  order by a.name <> ${param('search')}, position(lower(${param('search')}) in lower(a.name)), a.name limit ${sql.raw(String(MAX_FOUND))}`)

/** The addresses that most other addresses are made from: good starting points. */
const BUSIEST = prepare(sql`
  select a.id, a.name, t.name as type from (
    select source_address_id as id, count(distinct target_address_id) as readers from ${addressLineage}
    group by source_address_id order by readers desc, source_address_id limit ${sql.raw(String(MAX_FOUND))}) busiest
  join ${address} a using (id) join ${addressType} t on t.id = a.address_type_id order by readers desc, a.name`)

const foundRow = z.object({ id: whole, name: text, type: text })
export type Found = z.output<typeof foundRow>

/** Finds at most 20 addresses by a part of their name; if it is empty, the ones that most others are made from. */
export const findAddresses = (db: Database, search: string): Promise<Found[]> =>
  search === '' ? db.rows(BUSIEST, foundRow) : db.rows(FIND, foundRow, { search, like: patternOf(search) })
