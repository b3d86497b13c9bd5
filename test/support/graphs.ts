import { sql } from './api.ts'

/** mulberry32: a small generator that gives the same numbers for the same seed everywhere. */
export const randomFrom = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

export type Edges = [source: string, target: string][]

/** Every reachable pair with its depth, as `source>target:depth`, sorted. */
export const searchAll = (addresses: Iterable<string>, edges: Edges): string[] => {
  const targetsOf = new Map<string, string[]>()
  for (const [source, target] of edges) targetsOf.set(source, [...(targetsOf.get(source) ?? []), target])
  return [...addresses]
    .flatMap((start) => {
      const depths = new Map([[start, 0]])
      for (const [at, depth] of depths) {
        for (const next of targetsOf.get(at) ?? []) if (!depths.has(next)) depths.set(next, depth + 1)
      }
      return [...depths].map(([end, depth]) => `${start}>${end}:${depth}`)
    })
    .sort()
}

export const addressOf = (name: string) => ({ name, address_type_name: 'table', address_type_group_name: 'database' })

/** The closure's pairs with one of these addresses at either end, in the format of `searchAll`. */
export const readClosure = async (addresses: Iterable<string>): Promise<string[]> => {
  const rows = await sql(
    `with ids as (select array(select id from address where name = any($1)) as here)
     select (select name from address where id = c.source_address_id) as source,
       (select name from address where id = c.target_address_id) as target, c.depth
     from ids, lateral (
       select * from address_lineage_closure where source_address_id = any(here)
       union select * from address_lineage_closure where target_address_id = any(here)) c`,
    [[...addresses]],
  )
  return rows.map(({ source, target, depth }) => `${source}>${target}:${depth}`).sort()
}
