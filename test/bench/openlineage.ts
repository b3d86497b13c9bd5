import type pg from 'pg'
import { type AimedRow, tableOf, withClient } from './jobs.ts'
import { AUTHORIZATION, type Call, closedLoop, median } from './load.ts'
import type { Server } from './workerd.ts'

/**
 * `npm run bench -- openlineage`: events of runs that read three datasets and write two, beside the start and end of the API, and beside the
 * same events where a million are stored. Each figure of a round is measured right after the others of it.
 */
const ROUNDS = 5
const ROUND_SECONDS = 2
const CONNECTIONS = 8
const JOBS = 100
/** For the start and the end of the API. */
const UNENDED = 60_000
const STORED_EVENTS = 1_000_000
const STORED_RUNS_A_JOB = STORED_EVENTS / 2 / JOBS
/** A batch of so many runs is twice as many events. */
const BATCH_RUNS = 500
const BATCH_MAX_SECONDS = 3
const BATCH = '/api/v1/lineage/batch'
const MIN_OF_API = 0.5
const MAX_SLOWER = 2

type EventType = 'START' | 'COMPLETE'

/** An event of one of 100 jobs, which reads three datasets and writes two. */
export const eventOf = (eventType: EventType, index: number, namespace: string) => {
  const name = `job-${index % JOBS}`
  return {
    eventType,
    eventTime: new Date(Date.now() - (eventType === 'START' ? 60_000 : 0)).toISOString(),
    producer: 'https://example.com/integration/bench',
    job: { namespace, name, facets: { jobType: { integration: 'BENCH', jobType: 'TASK', processingType: 'BATCH' } } },
    run: { runId: `0191f0c0-0000-7000-8000-${String(index).padStart(12, '0')}` },
    inputs: [1, 2, 3].map((number) => ({ namespace: 'postgres://bench', name: `${namespace}.${name}.in.${number}` })),
    outputs: [1, 2].map((number) => ({
      namespace: 'postgres://bench',
      name: `${namespace}.${name}.out.${number}`,
      outputFacets: { outputStatistics: { rowCount: 10 } },
    })),
  }
}

/** The events of one house, each run's START before its COMPLETE. */
class House {
  private readonly sent = { START: JOBS, COMPLETE: JOBS }
  readonly server: Server
  constructor(server: Server) {
    this.server = server
  }

  event(eventType: EventType): Call {
    this.sent[eventType] += 1
    return { method: 'POST', path: '/api/v1/lineage', body: eventOf(eventType, this.sent[eventType], 'bench') }
  }

  rateOf(next: () => Call): Promise<number> {
    return closedLoop({ port: this.server.port, next }, CONNECTIONS, ROUND_SECONDS)
  }

  /** Sends both events of each of these runs as one batch, and returns the seconds that it took. */
  async sendBatch(indices: number[], namespace = 'bench'): Promise<number> {
    const events = indices.flatMap((index) => [eventOf('START', index, namespace), eventOf('COMPLETE', index, namespace)])
    const begun = performance.now()
    const response = await fetch(`http://127.0.0.1:${this.server.port}${BATCH}`, {
      method: 'POST',
      headers: { ...AUTHORIZATION, 'content-type': 'application/json' },
      body: JSON.stringify(events),
    })
    const { summary } = (await response.json()) as { summary?: { failed: number } }
    if (response.status !== 200 || summary?.failed !== 0)
      throw new Error(`a batch was answered ${response.status} with ${JSON.stringify(summary)}`)
    return (performance.now() - begun) / 1_000
  }
}

/** Runs that the API can end, of as many pipelines as there are jobs; returns the id of the first. */
const fillForApi = async (client: pg.Client): Promise<number> => {
  await client.query(`
    insert into pipeline_type (name) values ('api');
    insert into pipeline (name, pipeline_type_id, load_lineage)
    select 'api-' || i, (select id from pipeline_type where name = 'api'), false from generate_series(1, ${JOBS}) i`)
  const { rows } = await client.query(`
    with run as (insert into pipeline_execution (pipeline_id, start_date)
      select p.id, now() - i * interval '1 second' from generate_series(1, ${UNENDED / JOBS}) i cross join pipeline p where p.name like 'api-%' returning id)
    select min(id) as first from run`)
  await client.query(
    'insert into pipeline_execution_closure select id, id, 0 from pipeline_execution e where end_date is null on conflict do nothing',
  )
  return Number(rows[0].first)
}

/** Copies the run of each job, with all that is stored of it, until a million events are. */
const storeEvents = async (client: pg.Client): Promise<void> => {
  await client.query(`
    create temp table copied as
    select nextval(pg_get_serial_sequence('pipeline_execution', 'id')) as id, r.execution_id as source_id, i
    from openlineage_run r cross join generate_series(1, ${STORED_RUNS_A_JOB}) i;
    insert into pipeline_execution (id, pipeline_id, start_date, end_date, completed_successfully, duration_seconds, total_rows, throughput, openlineage)
    overriding system value
    select c.id, e.pipeline_id, e.start_date - c.i * interval '5 minutes', e.end_date - c.i * interval '5 minutes', true, e.duration_seconds,
      e.total_rows, e.throughput, jsonb_set(e.openlineage, '{run_id}', to_jsonb('copy-' || c.id))
    from copied c join pipeline_execution e on e.id = c.source_id;
    insert into pipeline_execution_closure select id, id, 0 from copied;
    insert into openlineage_run (pipeline_id, key, execution_id, facts)
    select r.pipeline_id, 'copy-' || c.id, c.id, r.facts from copied c join openlineage_run r on r.execution_id = c.source_id;
    insert into openlineage_run_dataset select c.id, d.is_output, d.address_id, d.facts from copied c join openlineage_run_dataset d on d.execution_id = c.source_id;
    insert into openlineage_event (hash, at, received_at, body)
    select encode(sha256(convert_to('copy ' || i, 'UTF8')), 'hex'), now() - i * interval '2 seconds', now() - i * interval '2 seconds', o.body
    from generate_series(1, ${STORED_EVENTS}) i cross join (select body from openlineage_event order by hash limit 1) o`)
  await client.query('vacuum analyze')
}

const count = (url: string, of: string): Promise<number> =>
  withClient(url, async (client) => Number((await client.query(`select (select ${of}) as n`)).rows[0].n))

/** Rows of the closure of lineage that have been written, from PostgreSQL's statistics. */
const closureWrites = async (url: string): Promise<number> => {
  await new Promise((resolve) => setTimeout(resolve, 1_500)) // a connection reports its statistics once a second
  return count(url, `n_tup_ins + n_tup_upd + n_tup_del from pg_stat_user_tables where relname = 'address_lineage_closure' limit 1`)
}

export const measureOpenlineage = async (
  urls: { empty: string; stored: string },
  serve: (url: string) => Promise<Server>,
): Promise<string> => {
  const [empty, stored] = [new House(await serve(urls.empty)), new House(await serve(urls.stored))]
  const firstRuns = Array.from({ length: JOBS }, (_, index) => index + 1)
  for (const house of [empty, stored]) await house.sendBatch(firstRuns)
  let unended = await withClient(urls.empty, fillForApi)
  await withClient(urls.empty, (client) => client.query('vacuum analyze'))
  await withClient(urls.stored, storeEvents)
  const events = await count(urls.stored, 'count(*) from openlineage_event')

  let started = 0
  const start = (): Call => {
    started += 1
    return {
      method: 'POST',
      path: '/start_pipeline_execution',
      body: { pipeline_name: `api-${1 + (started % JOBS)}`, start_date: new Date(Date.now() - started).toISOString() },
    }
  }
  const end = (): Call => {
    unended += 1
    return { method: 'POST', path: '/end_pipeline_execution', body: { id: unended - 1, inserts: 10, total_rows: 10 } }
  }
  const calls: Record<string, () => Promise<number>> = {
    start: () => empty.rateOf(start),
    end: () => empty.rateOf(end),
    'START, few stored': () => empty.rateOf(() => empty.event('START')),
    'COMPLETE, few stored': () => empty.rateOf(() => empty.event('COMPLETE')),
    'START, a million stored': () => stored.rateOf(() => stored.event('START')),
    'COMPLETE, a million stored': () => stored.rateOf(() => stored.event('COMPLETE')),
  }
  for (const call of Object.values(calls)) await call() // warm
  const before = await closureWrites(urls.stored)
  const rates = new Map<string, number[]>()
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, call] of Object.entries(calls)) rates.set(name, [...(rates.get(name) ?? []), await call()])
  }
  const batches = new Map<House, number[]>()
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const house of [empty, stored]) {
      const runs = Array.from({ length: BATCH_RUNS }, (_, index) => 9_000_000 + round * BATCH_RUNS + index)
      batches.set(house, [...(batches.get(house) ?? []), await house.sendBatch(runs)])
    }
  }
  const closureRows = (await closureWrites(urls.stored)) - before
  const fresh = await stored.sendBatch(
    Array.from({ length: BATCH_RUNS }, (_, index) => index),
    'new',
  )
  return render({
    events,
    rates: new Map([...rates].map(([name, of]) => [name, median(of)])),
    batches: { few: median(batches.get(empty) ?? []), stored: median(batches.get(stored) ?? []), fresh },
    closureRows,
  })
}

const render = (figures: {
  events: number
  rates: Map<string, number>
  batches: { few: number; stored: number; fresh: number }
  closureRows: number
}): string => {
  const { events, rates, batches, closureRows } = figures
  const rate = (name: string): number => rates.get(name) ?? Number.NaN
  const [start, end] = [rate('start'), rate('end')]
  const row = (what: string, figure: string, aim: string, holds: boolean): AimedRow => ({ what, figure, aim, holds })
  const beside = (name: string, of: number, than: string) =>
    row(
      name,
      `${Math.round(rate(name))}/s, ${(rate(name) / of).toFixed(2)} of ${than}`,
      `at least ${MIN_OF_API}`,
      rate(name) >= MIN_OF_API * of,
    )
  const slower = (type: EventType) => {
    const times = rate(`${type}, few stored`) / rate(`${type}, a million stored`)
    return row(
      `${type}, ${events.toLocaleString('en')} events stored`,
      `${Math.round(rate(`${type}, a million stored`))}/s, ${times.toFixed(2)} times as long`,
      `at most ${MAX_SLOWER} times`,
      times <= MAX_SLOWER,
    )
  }
  const batch = (what: string, seconds: number) =>
    row(what, `${seconds.toFixed(2)} s`, `under ${BATCH_MAX_SECONDS} s`, seconds < BATCH_MAX_SECONDS)
  const rows = [
    beside('START, few stored', start, 'start'),
    beside('COMPLETE, few stored', end, 'end'),
    slower('START'),
    slower('COMPLETE'),
    batch('batch of 1,000 events', batches.few),
    batch('batch of 1,000 events, a million stored', batches.stored),
    row(
      'the same, beside few',
      `${(batches.stored / batches.few).toFixed(2)} times as long`,
      `at most ${MAX_SLOWER} times`,
      batches.stored <= MAX_SLOWER * batches.few,
    ),
    batch('batch of 1,000 events of 100 new jobs, 500 new datasets', batches.fresh),
    row('closure rows written for known edges', `${closureRows}`, '0', closureRows === 0),
  ]
  return `start ${Math.round(start)}/s, end ${Math.round(end)}/s.\n\n${tableOf(rows)}`
}
