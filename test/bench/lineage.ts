import pg from 'pg'
import { AUTHORIZATION, median } from './load.ts'

/** Measures lineage on a graph of 10,000 addresses, 17,000 edges and about 200,000 closure rows, compared with an empty graph. */
export interface LineageFigures {
  edges: number
  closureRows: number
  /** Rows that are written if the same lineage is posted again. */
  repeatWrites: number
  repeatMillis: number
  leafMillis: number
  leafMillisOnEmpty: number
  /** The cost of replacing one pipeline's edges in the middle of the graph. */
  replacedPairs: number
  replaceWrites: number
  replaceMillis: number
}

const ADDRESSES = 10_000
const LAYERS = 20

const address = (name: string) => ({ address_name: name, address_type_name: 'table', address_type_group_name: 'database' })

export const measureLineage = async (port: number, emptyPort: number, databaseUrl: string): Promise<LineageFigures> => {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  await fillGraph(client)
  const post = async (at: number, pipelineId: number, sources: string[], targets: string[]): Promise<number> => {
    const begun = performance.now()
    const response = await fetch(`http://127.0.0.1:${at}/address_lineage`, {
      method: 'POST',
      headers: { ...AUTHORIZATION, 'content-type': 'application/json' },
      body: JSON.stringify({ pipeline_id: pipelineId, source_addresses: sources.map(address), target_addresses: targets.map(address) }),
    })
    if (response.status !== 201) throw new Error(`POST /address_lineage answered ${response.status}: ${await response.text()}`)
    await response.arrayBuffer()
    return performance.now() - begun
  }
  const pipelineOn = async (at: number): Promise<number> => {
    const response = await fetch(`http://127.0.0.1:${at}/pipeline`, {
      method: 'POST',
      headers: { ...AUTHORIZATION, 'content-type': 'application/json' },
      body: JSON.stringify({ name: `lineage-${Math.random()}`, pipeline_type_name: 'bench', load_lineage: true }),
    })
    return ((await response.json()) as { id: number }).id
  }
  const numberOf = async (statement: string): Promise<number> => Number((await client.query(statement)).rows[0].n)
  const versions = `select source_address_id as s, target_address_id as t, 'edge' as what, xmin::text as version from address_lineage
    union all select source_address_id, target_address_id, 'pair', xmin::text from address_lineage_closure`
  /** Counts the edges and pairs that `work` inserts, updates or deletes: their row version is new, changed or gone. */
  const writesDuring = async (work: () => Promise<unknown>): Promise<number> => {
    await client.query(`drop table if exists bench_versions; create table bench_versions as ${versions}`)
    await work()
    return numberOf(`select count(distinct (s, t, what)) as n from (
      ((${versions}) except table bench_versions) union all (table bench_versions except (${versions}))) d`)
  }

  const pipeline = await pipelineOn(port)
  const sources = ['n5000', 'n5001', 'n5002']
  const targets = ['n5600', 'n5601']
  await post(port, pipeline, sources, targets)
  const repeats: number[] = []
  const repeatWrites = await writesDuring(async () => {
    for (let index = 0; index < 20; index += 1) repeats.push(await post(port, pipeline, sources, targets))
  })

  const leaf: number[] = []
  const leafOnEmpty: number[] = []
  for (let index = 0; index < 20; index += 1) {
    const [here, empty] = [await pipelineOn(port), await pipelineOn(emptyPort)]
    leaf.push(await post(port, here, ['n4000'], [`leaf${index}`]))
    leafOnEmpty.push(await post(emptyPort, empty, [`root${index}`], [`leaf${index}`]))
  }

  await client.query('create table bench_closure as table address_lineage_closure')
  let replaceMillis = 0
  const replaceWrites = await writesDuring(async () => {
    replaceMillis = await post(port, pipeline, sources, ['n5601', 'n5700'])
  })
  const changed = `select count(*) as n from ((table address_lineage_closure except table bench_closure)
    union all (select b.* from bench_closure b where not exists (select from address_lineage_closure c
      where c.source_address_id = b.source_address_id and c.target_address_id = b.target_address_id))) d`
  const figures: LineageFigures = {
    edges: await numberOf('select count(*) as n from address_lineage'),
    closureRows: await numberOf('select count(*) as n from address_lineage_closure'),
    repeatWrites,
    repeatMillis: median(repeats),
    leafMillis: median(leaf),
    leafMillisOnEmpty: median(leafOnEmpty),
    replacedPairs: await numberOf(changed),
    replaceWrites: replaceWrites - 2 * 3, // minus the edges themselves: three are removed, three are added
    replaceMillis,
  }
  await client.end()
  return figures
}

/**
 * Creates layers of addresses, each made from one or two of the layer above; computes the closure by plain recursion. The edges belong to
 * the pipelines `graph-0`, `graph-1`, … (or of another prefix), which are created if they do not exist.
 */
export const fillGraph = async (client: pg.Client, pipelines = 'graph-'): Promise<void> => {
  const perLayer = ADDRESSES / LAYERS
  await client.query(`
    insert into pipeline_type (name) values ('bench') on conflict do nothing;
    insert into address_type (name, group_name) values ('table', 'database');
    insert into address (name, address_type_id) select 'n' || i, 1 from generate_series(0, ${ADDRESSES - 1}) i;
    insert into pipeline (name, pipeline_type_id, load_lineage) select '${pipelines}' || i, 1, true from generate_series(0, ${ADDRESSES - 1}) i on conflict do nothing;
    insert into address_lineage (pipeline_id, source_address_id, target_address_id)
      select p.id, s.id, t.id
      from generate_series(${perLayer}, ${ADDRESSES - 1}) i
      cross join lateral (values (0), (case when i % 10 < 8 then 7 else 0 end)) shift(by)
      join pipeline p on p.name = '${pipelines}' || i
      join address t on t.name = 'n' || i
      join address s on s.name = 'n' || ((i / ${perLayer} - 1) * ${perLayer} + (i + shift.by) % ${perLayer})
      on conflict do nothing;
    insert into address_lineage_closure
      with recursive reached as (
        select id as source, id as target, 0 as depth from address
        union select r.source, e.target_address_id, r.depth + 1 from reached r join address_lineage e on e.source_address_id = r.target where r.depth < 8)
      select source, target, min(depth) from reached group by 1, 2;
    analyze;`)
}
