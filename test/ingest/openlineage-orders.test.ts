import { describe, expect, inject, it } from 'vitest'
import { call, sql } from '../support/api.ts'
import { HeldQueue } from '../support/background.ts'

/**
 * The same events, in any order and number, end in one same state: row for row, except ids, labels, and when something was recorded. Each seed
 * makes the events of a few runs (with parents that change and cycles, steps, failures before and after a success, row counts), and sends them
 * in the order of their times, reversed, shuffled, each twice, from eight clients at once, and as a batch. OPENLINEAGE_SEEDS=1000 npx vitest run
 * test/ingest/openlineage-orders.test.ts tries more seeds.
 */
const SEEDS = inject('openlineageSeeds')

type Json = Record<string, unknown>

/** Numbers from 0 to 1 that a seed decides (mulberry32). */
const numbersOf = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

const TYPES = ['START', 'START', 'RUNNING', 'COMPLETE', 'COMPLETE', 'FAIL', 'ABORT', 'OTHER']
const PRODUCERS = ['https://x/integration/airflow', 'https://x/integration/spark/', undefined]

const eventsOf = (seed: number): ((namespace: string) => Json)[] => {
  const next = numbersOf(seed)
  const below = (count: number) => Math.floor(next() * count)
  const pick = <Item>(items: readonly Item[]): Item => items[below(items.length)] as Item
  const runs = Array.from({ length: 2 + below(5) }, (_, index) => ({
    job: `job-${below(4)}`,
    id: `0191f0c0-0000-7000-8000-00000000000${index}`,
    isStep: next() < 0.2,
  }))
  return Array.from({ length: 4 + below(14) }, () => {
    const run = pick(runs)
    const parent = next() < 0.5 ? pick(runs) : undefined
    const minute = String(below(50) + 10)
    const type = pick(TYPES)
    const datasets = (side: string) =>
      Array.from({ length: below(3) }, () => ({
        namespace: pick(['postgres://db', 's3://lake']),
        name: `${side}-${below(3)}`,
        ...(next() < 0.5 && { facets: { schema: { fields: [{ name: `f${below(3)}` }] } } }),
        ...(next() < 0.6 && {
          [side === 'in' ? 'inputFacets' : 'outputFacets']: {
            [side === 'in' ? 'inputStatistics' : 'outputStatistics']: { rowCount: pick([0, 5, 70, -1]), size: below(9) },
          },
        }),
      }))
    const more = { producer: pick(PRODUCERS), inputs: datasets('in'), outputs: datasets('out') }
    const jobFacets = {
      ...(run.isStep && next() < 0.7 && { jobType: { integration: 'SPARK', jobType: 'SQL_JOB', processingType: 'BATCH' } }),
      ...(next() < 0.2 && { ownership: { owners: [{ name: pick(['team:a', 'b']) }] } }),
      ...(next() < 0.2 && { documentation: { description: pick(['one', 'two']) } }),
    }
    const runFacets = {
      ...(type === 'FAIL' && next() < 0.6 && { errorMessage: { message: pick(['no such table', 'out of disk']) } }),
      ...(next() < 0.2 && { nominalTime: { nominalStartTime: `2026-01-01T0${below(3)}:00:00Z` } }),
    }
    return (namespace) => ({
      eventType: type,
      eventTime: `2026-01-01T02:${minute}:00Z`,
      ...more,
      job: { namespace, name: run.job, facets: jobFacets },
      run: {
        runId: run.id,
        facets: { ...runFacets, ...(parent && { parent: { run: { runId: parent.id }, job: { namespace, name: parent.job } } }) },
      },
    })
  })
}

const shuffled = <Item>(items: readonly Item[], next: () => number): Item[] =>
  items
    .map((item) => ({ item, place: next() }))
    .sort((left, right) => left.place - right.place)
    .map(({ item }) => item)

const NAME = (execution: string) =>
  `(select p.openlineage ->> 'name' || ' ' || (o.openlineage ->> 'run_id') from pipeline_execution o join pipeline p on p.id = o.pipeline_id where o.id = ${execution})`

/** All rows of a namespace, without ids, labels and times of recording. */
const stateOf = async (namespace: string): Promise<unknown> => {
  const ours = `(select id from pipeline where openlineage ->> 'namespace' = $1)`
  const runs = await sql(
    `select ${NAME('e.id')} as run, ${NAME('e.parent_id')} as parent, e.start_date, e.end_date, e.completed_successfully, e.total_rows, e.throughput, e.duration_seconds,
      e.is_placeholder, e.has_failed_step, e.scheduled_for, e.execution_metadata, e.openlineage_facets,
      (select jsonb_agg(jsonb_build_array(${NAME('c.ancestor_id')}, c.depth) order by c.depth, ${NAME('c.ancestor_id')}) from pipeline_execution_closure c where c.descendant_id = e.id) as above,
      (select jsonb_agg(jsonb_build_array(d.is_output, a.name, d.facts) order by d.is_output, a.name) from openlineage_run_dataset d join address a on a.id = d.address_id where d.execution_id = e.id) as datasets
     from pipeline_execution e where e.pipeline_id in ${ours} order by 1`,
    [namespace],
  )
  const pipelines = await sql(
    `select p.openlineage ->> 'name' as name, t.name as type, p.owner, p.pipeline_metadata, p.is_step, p.is_streaming, p.last_target_insert, p.last_target_update, p.watermark,
      (select jsonb_agg(jsonb_build_array(i.kind, i.severity, ${NAME('i.last_execution_id')})) from incident i where i.pipeline_id = p.id and i.resolved_at is null) as wrong
     from pipeline p join pipeline_type t on t.id = p.pipeline_type_id where p.id in ${ours} order by 1`,
    [namespace],
  )
  const edges = await sql(
    `select p.openlineage ->> 'name' as name, s.name as source, t.name as target, l.last_seen_at from address_lineage l join pipeline p on p.id = l.pipeline_id
      join address s on s.id = l.source_address_id join address t on t.id = l.target_address_id where p.id in ${ours} order by 1, 2, 3`,
    [namespace],
  )
  return JSON.parse(JSON.stringify({ runs, pipelines, edges }))
}

/** The jobs stay in the queue: one that runs would wait for the rows that the next variant deletes. */
const post = (path: string, body: unknown) => call('POST', path, body, {}, { JOBS: new HeldQueue() })

const sendOne = async (event: unknown): Promise<void> => {
  const { status, body } = await post('/api/v1/lineage', event)
  expect([status, body]).toEqual([201, ''])
}

describe('the events of a few runs', () => {
  it(`end in one same state in any order, ${SEEDS} seeds`, { timeout: Math.max(600_000, 10_000 * SEEDS) }, async () => {
    const tally = { events: 0, runs: 0, failed: 0, cycles: 0, withParent: 0, steps: 0, wrong: 0 }
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const made = eventsOf(seed)
      const next = numbersOf(seed + 1_000_000)
      const events = made.map((make) => make('airflow'))
      const twice = () => shuffled([...events, ...events], next)
      const variants: Record<string, () => Promise<void>> = {
        'in order': async () => {
          for (const event of [...events].sort((left, right) => (String(left.eventTime) < String(right.eventTime) ? -1 : 1)))
            await sendOne(event)
        },
        reversed: async () => {
          for (const event of [...events].sort((left, right) => (String(left.eventTime) < String(right.eventTime) ? 1 : -1)))
            await sendOne(event)
        },
        shuffled: async () => {
          for (const event of shuffled(events, next)) await sendOne(event)
        },
        'each twice': async () => {
          for (const event of twice()) await sendOne(event)
        },
        'from 8 clients at once': async () => {
          const waiting = twice()
          await Promise.all(
            Array.from({ length: 8 }, async () => {
              for (let event = waiting.pop(); event !== undefined; event = waiting.pop()) await sendOne(event)
            }),
          )
        },
        'as a batch': async () => {
          expect((await post('/api/v1/lineage/batch', twice())).body).toMatchObject({ status: 'success' })
        },
      }
      let expected: { runs: Json[]; pipelines: Json[] } | undefined
      for (const [variant, sendAll] of Object.entries(variants)) {
        await sql('truncate pipeline, pipeline_type, address, address_type, openlineage_event, job restart identity cascade')
        await sendAll()
        const state = (await stateOf('airflow')) as { runs: Json[]; pipelines: Json[] }
        expected ??= state
        expect([seed, variant, state]).toEqual([seed, variant, expected])
      }
      if (!expected) throw new Error('there are variants')
      tally.events += made.length
      tally.runs += expected.runs.length
      tally.failed += expected.runs.filter((run) => run.completed_successfully === false).length
      tally.withParent += expected.runs.filter((run) => run.parent !== null).length
      tally.steps += expected.pipelines.filter((pipeline) => pipeline.is_step).length
      tally.wrong += expected.pipelines.filter((pipeline) => pipeline.wrong !== null).length
    }
    console.warn(`seeds ${SEEDS}: ${JSON.stringify(tally)}`)
    expect(Math.min(tally.failed, tally.withParent, tally.steps, tally.wrong)).toBeGreaterThan(0)
  })
})
