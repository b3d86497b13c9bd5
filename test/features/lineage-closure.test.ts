import { describe, expect, it } from 'vitest'
import { makePipeline, patch, post, sql, unique } from '../support/api.ts'
import { addressOf, type Edges, randomFrom, readClosure, searchAll } from '../support/graphs.ts'

/**
 * Compares the closure with the simplest possible search. After every change of a random graph it must hold exactly the pairs
 * that a breadth-first search from every address finds, with the same depths.
 */

const GRAPHS = 1000
const AT_ONCE = 2

/** Changes one graph: a few pipelines replace their lineage again and again, and often own the same edges. Their first change
 * here deletes the edges that they owned in the previous graph. */
const checkGraph = async (seed: number, pipelines: number[]): Promise<number> => {
  const random = randomFrom(seed)
  const prefix = `g${seed}:`
  const size = 3 + random(7)
  const owned = new Map<number, Edges>()
  const seen = new Set<string>()
  const changes = 3 + random(4)
  for (let change = 0; change < changes; change += 1) {
    const pipeline = pipelines[random(pipelines.length)] as number
    const pick = () => [...new Set(Array.from({ length: 1 + random(3) }, () => `${prefix}${random(size)}`))]
    const [sources, targets] = [pick(), pick()]
    const { status, body } = await post('/address_lineage', {
      pipeline_id: pipeline,
      source_addresses: sources.map(addressOf),
      target_addresses: targets.map(addressOf),
    })
    expect([status, body.lineage_relationships_created], `seed ${seed}`).toEqual([201, sources.length * targets.length])
    for (const name of [...sources, ...targets]) seen.add(name)
    owned.set(
      pipeline,
      sources.flatMap((source) => targets.map((target) => [source, target] as [string, string])),
    )
    expect(await readClosure(seen), `seed ${seed}, change ${change}`).toEqual(searchAll(seen, [...owned.values()].flat()))
  }
  return changes
}

describe('the lineage closure', () => {
  it(`equals the result of a search after every change of ${GRAPHS} random graphs`, { timeout: 600_000 }, async () => {
    let next = 0
    let changes = 0
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        const pipelines = await Promise.all(Array.from({ length: 4 }, () => makePipeline({ load_lineage: true })))
        for (let seed = next++; seed < GRAPHS; seed = next++) {
          const made = await checkGraph(seed, pipelines)
          changes += made
        }
      }),
    )
    console.log(`${GRAPHS} graphs, ${changes} changes`)
    expect(changes).toBeGreaterThan(3 * GRAPHS)
  })

  it('stays exact when pipelines of one graph replace their lineage at the same time', async () => {
    for (let round = 0; round < 20; round += 1) {
      const prefix = `${unique('race')}:`
      const random = randomFrom(round)
      const owned = await Promise.all(
        Array.from({ length: 8 }, async () => {
          const pipeline_id = await makePipeline({ load_lineage: true })
          const [source, target] = [`${prefix}${random(6)}`, `${prefix}${random(6)}`]
          const reply = await post('/address_lineage', {
            pipeline_id,
            source_addresses: [addressOf(source)],
            target_addresses: [addressOf(target)],
          })
          expect(reply.status).toBe(201)
          return [source, target] as [string, string]
        }),
      )
      const addresses = new Set(owned.flat())
      expect(await readClosure(addresses), `round ${round}`).toEqual(searchAll(addresses, owned))
    }
  })

  it('writes only the pairs whose depth changes', async () => {
    const versions = () => sql(`select source_address_id, target_address_id, xmin::text as version from address_lineage_closure`)
    const name = (index: number) => `chain:${index}`
    const replace = async (pipeline_id: number, sources: string[], targets: string[]) =>
      post('/address_lineage', { pipeline_id, source_addresses: sources.map(addressOf), target_addresses: targets.map(addressOf) })
    const links: number[] = []
    for (let index = 0; index < 6; index += 1) {
      const link = await makePipeline({ load_lineage: true })
      links.push(link)
      await replace(link, [name(index)], [name(index + 1)])
    }
    const before = new Map((await versions()).map((row) => [`${row.source_address_id}>${row.target_address_id}`, row.version]))
    // The chain gets another end: 7 pairs with it are new (one is its self pair), and 6 pairs with the old end disappear.
    await replace(links[5] as number, [name(5)], ['chain:other'])
    const after = await versions()
    const written = after.filter((row) => before.get(`${row.source_address_id}>${row.target_address_id}`) !== row.version)
    expect(written).toHaveLength(7)
    expect(after).toHaveLength(before.size - 6 + 7)
  })

  it('writes nothing at all when the same lineage is posted again', async () => {
    const pipeline_id = await makePipeline({ load_lineage: true })
    const body = { pipeline_id, source_addresses: [addressOf('same:a'), addressOf('same:b')], target_addresses: [addressOf('same:c')] }
    await post('/address_lineage', body)
    const state = () =>
      sql(`select (select jsonb_agg(array[ctid::text, xmin::text] order by ctid) from address_lineage) as edges,
        (select jsonb_agg(array[ctid::text, xmin::text] order by ctid) from address_lineage_closure) as closure,
        (select jsonb_agg(array[ctid::text, xmin::text] order by ctid) from address) as addresses,
        (select last_value from address_id_seq) as ids`)
    const before = await state()
    const { status, body: answer } = await post('/address_lineage', body)
    expect([status, answer.lineage_relationships_created]).toEqual([201, 2])
    expect(await state()).toEqual(before)
  })

  it('changes nothing if load_lineage of the pipeline is false', async () => {
    const pipeline_id = await makePipeline({ load_lineage: true })
    await post('/address_lineage', { pipeline_id, source_addresses: [addressOf('kept:a')], target_addresses: [addressOf('kept:b')] })
    await patch('/pipeline', { id: pipeline_id, load_lineage: false })
    const { status, body } = await post('/address_lineage', {
      pipeline_id,
      source_addresses: [addressOf('kept:a')],
      target_addresses: [addressOf('kept:new')],
    })
    expect([status, body.lineage_relationships_created]).toEqual([200, 0])
    expect(body.message).toContain('load_lineage is false')
    expect(await readClosure(['kept:a', 'kept:b', 'kept:new'])).toEqual(['kept:a>kept:a:0', 'kept:a>kept:b:1', 'kept:b>kept:b:0'])
  })
})
