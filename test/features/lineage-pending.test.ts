import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FUNCTIONS } from '../../src/db/functions.ts'
import { get, makePipeline, sql } from '../support/api.ts'
import { type Background, drain, jobsOf, openBackground } from '../support/background.ts'
import { addressOf, type Edges, randomFrom, readClosure, searchAll } from '../support/graphs.ts'

/** Changes that are too large for a request: the edges are stored at once, and a job completes the closure. */

let background: Background
beforeEach(async () => {
  background = openBackground()
  await sql('truncate pipeline, pipeline_type, job, address, address_type restart identity cascade')
})
afterEach(() => {
  vi.restoreAllMocks()
})

const replace = (pipeline_id: number, sources: string[], targets: string[]) =>
  background.post('/address_lineage', { pipeline_id, source_addresses: sources.map(addressOf), target_addresses: targets.map(addressOf) })
/** The smallest step that the job makes: it computes the rows of two addresses. */
const step = async (): Promise<number> =>
  Number((await sql(`select ${FUNCTIONS.complete_lineage_closure}(p_millis => 0) as left`))[0]?.left)
const complete = async () => {
  while ((await step()) > 0);
}
const isPending = async () => (await sql('select count(*)::int as n from address_lineage_pending'))[0]?.n > 0
/** From now on each change is pending, as after a large one. */
const beginPending = () => sql(`insert into address_lineage_pending select min(id), true from address on conflict do nothing`)

/** A chain of addresses c1 → c2 → …, as its pipeline owns it, with its closure. */
const makeChain = async (length: number): Promise<number> => {
  const id = await makePipeline()
  await sql(`insert into address_type (name, group_name) values ('table', 'database')`)
  await sql(`insert into address (name, address_type_id) select 'c' || i, 1 from generate_series(1, $1::int) i`, [length])
  await sql(
    `insert into address_lineage (pipeline_id, source_address_id, target_address_id) select $1, i, i + 1 from generate_series(1, $2::int - 1) i`,
    [id, length],
  )
  await sql(
    `insert into address_lineage_closure select i, j, j - i from generate_series(1, $1::int) i, generate_series(1, $1::int) j where j >= i`,
    [length],
  )
  return id
}

describe('a lineage change that concerns more than 100,000 pairs', () => {
  it('is stored and answered 202; GET says so until a job has completed it; then all is exact and at once again', {
    timeout: 120_000,
  }, async () => {
    const LENGTH = 400
    await makeChain(LENGTH)
    const closing = await makePipeline()
    const answer = await replace(closing, [`c${LENGTH}`], ['c1']) // closes a cycle: 160,000 pairs
    expect([answer.status, answer.body]).toEqual([
      202,
      {
        pipeline_id: closing,
        lineage_relationships_created: 1,
        message: `Lineage of pipeline ${closing} has 1 relationship; a job completes what lies upstream and downstream`,
        closure: 'pending',
      },
    ])
    expect((await sql(`select count(*)::int as n from address_lineage where pipeline_id = $1`, [closing]))[0]?.n).toBe(1)
    expect((await get('/address_lineage/1')).headers.get('watcher-closure')).toBe('pending')
    expect(await jobsOf('complete_closure')).toHaveLength(1)

    const [other, leaf] = [await makePipeline(), await makePipeline()]
    expect((await replace(other, ['c7'], ['c5'])).status).toBe(202) // also small changes, meanwhile
    expect((await replace(closing, [`c${LENGTH}`], ['c1'])).status).toBe(201) // the same again: nothing changes

    while (await isPending()) await drain(background)
    expect((await jobsOf('complete_closure')).every(({ state }) => state === 'succeeded')).toBe(true)
    const edges: Edges = [
      ...Array.from({ length: LENGTH - 1 }, (_, index): [string, string] => [`c${index + 1}`, `c${index + 2}`]),
      [`c${LENGTH}`, 'c1'],
      ['c7', 'c5'],
    ]
    const names = Array.from({ length: LENGTH }, (_, index) => `c${index + 1}`)
    expect((await sql(`select count(*)::int as n from address_lineage_closure`))[0]?.n).toBe(LENGTH * LENGTH)
    const sample = (rows: string[]) => rows.filter((row) => /^c(1|6|7|200|400)>/.test(row))
    expect(sample(await readClosure(['c1', 'c6', 'c7', 'c200', 'c400']))).toEqual(sample(searchAll(names, edges)))
    expect((await get('/address_lineage/1')).headers.has('watcher-closure')).toBe(false)
    expect((await replace(leaf, ['new leaf'], ['other leaf'])).status).toBe(201)

    // Opening the cycle concerns all pairs too.
    expect((await replace(closing, ['new leaf'], ['c1'])).status).toBe(202)
    while (await isPending()) await drain(background)
    expect((await sql(`select max(depth)::int as n from address_lineage_closure where source_address_id = 1`))[0]?.n).toBe(LENGTH - 1)
  })

  it('is stored when no turn comes within a second', async () => {
    const [first, second] = [await makePipeline(), await makePipeline()]
    expect((await replace(first, ['a'], ['b'])).status).toBe(201)
    const held = sql(`select pg_advisory_xact_lock(hashtextextended('replace_address_lineage', 0)), pg_sleep(3)`).then((rows) => rows)
    await vi.waitFor(async () =>
      expect((await sql(`select count(*)::int as n from pg_locks where locktype = 'advisory' and granted`))[0]?.n).toBeGreaterThan(0),
    )
    expect((await replace(second, ['b'], ['c'])).status).toBe(202)
    await held
    await drain(background)
    expect(await readClosure(['a', 'b', 'c'])).toEqual(
      searchAll(
        ['a', 'b', 'c'],
        [
          ['a', 'b'],
          ['b', 'c'],
        ],
      ),
    )
  })
})

describe('a pending closure', () => {
  it('becomes what a search finds, in 200 random graphs whose changes come between the steps', { timeout: 120_000 }, async () => {
    const pipelines: number[] = []
    for (let count = 0; count < 4; count += 1) pipelines.push(await makePipeline())
    const statuses = new Set<number>()
    for (let seed = 1; seed <= 200; seed += 1) {
      const random = randomFrom(seed)
      const size = 3 + random(8)
      const owned = new Map<number, Edges>()
      const seen = new Set<string>()
      for (let change = 0; change < 7; change += 1) {
        const pipeline = pipelines[random(pipelines.length)] as number
        const pick = () => [...new Set(Array.from({ length: 1 + random(3) }, () => `g${seed}:${random(size)}`))]
        const [sources, targets] = [pick(), pick()]
        if (change === 1) await beginPending()
        statuses.add((await replace(pipeline, sources, targets)).status)
        for (const name of [...sources, ...targets]) seen.add(name)
        owned.set(
          pipeline,
          sources.flatMap((source) => targets.map((target) => [source, target] as [string, string])),
        )
        for (let steps = random(3); steps > 0; steps -= 1) await step()
      }
      await complete()
      // A pipeline that did not change here still owns edges of an earlier graph, which are other addresses.
      expect(await readClosure(seen), `seed ${seed}`).toEqual(searchAll(seen, [...owned.values()].flat()))
    }
    expect([...statuses].sort()).toEqual([201, 202])
  })

  it('becomes exact while several pipelines change one graph and two jobs work at the same time', { timeout: 60_000 }, async () => {
    const pipelines: number[] = []
    for (let count = 0; count < 6; count += 1) pipelines.push(await makePipeline())
    const names = Array.from({ length: 12 }, (_, index) => `n${index}`)
    await replace(pipelines[0] as number, names.slice(0, 6), names.slice(6))
    await beginPending()
    const random = randomFrom(99)
    const owned = new Map<number, Edges>()
    for (let round = 0; round < 15; round += 1) {
      const changes = pipelines.map((pipeline) => {
        const pick = () => [...new Set(Array.from({ length: 1 + random(3) }, () => names[random(names.length)] as string))]
        const [sources, targets] = [pick(), pick()]
        owned.set(
          pipeline,
          sources.flatMap((source) => targets.map((target) => [source, target] as [string, string])),
        )
        return replace(pipeline, sources, targets)
      })
      const replies = await Promise.all([...changes, step().then(() => ({ status: 201 })), step().then(() => ({ status: 201 }))])
      expect(replies.every(({ status }) => status === 201 || status === 202)).toBe(true)
    }
    await complete()
    expect(await readClosure(names)).toEqual(searchAll(names, [...owned.values()].flat()))
  })
})
