import type pg from 'pg'
import { cleanLogs } from '../../src/features/log-cleanup/clean.ts'
import { measure } from '../../src/features/metrics/queries.ts'
import { countableAt, countDays } from '../../src/features/pipeline-days/count.ts'
import { house } from '../../src/house.ts'
import { claimed, connect, sweep, timed, withClient } from './jobs.ts'
import { AUTHORIZATION, type Call, closedLoop, median } from './load.ts'
import { fillMonth } from './month.ts'
import type { Server } from './workerd.ts'

/**
 * `npm run bench -- scale`: what grows with the history, and what does not. A month of 2,000 pipelines that run four times an hour,
 * and of one that runs 200,000 times, beside the same with a hundredth of the runs.
 */
const PIPELINES = 2_000
const DAYS = 30
const SIZES = {
  large: { slotMinutes: 15, busy: 200_000 },
  small: { slotMinutes: 1_440, busy: 2_000 },
}
export type Size = keyof typeof SIZES
const UNENDED = 20_000
const ROUNDS = 7
const CONNECTIONS = 8

const fill = (url: string, size: Size): Promise<number> =>
  withClient(url, async (client) => {
    await fillMonth(client, { pipelines: PIPELINES, days: DAYS, ...SIZES[size], unended: UNENDED })
    await client.query('vacuum analyze')
    return Number((await client.query('select count(*) as n from pipeline_execution')).rows[0].n)
  })

/** The month's days repeated until they are a year: a report over a year reads as many rows as after a year. */
const fillYear = (url: string): Promise<unknown> =>
  withClient(url, async (client) => {
    await client.query(`insert into pipeline_day select (day - ${DAYS} * k)::date, pipeline_id, executions, ended, failures, inserts, updates, soft_deletes,
      total_rows, timed, seconds, paced_rows, paced_seconds, p95_seconds, durations
      from pipeline_day cross join generate_series(1, 12) k on conflict do nothing`)
    await client.query('vacuum analyze pipeline_day')
  })

type Ports = Record<Size, Server>
type Row = [name: string, large: number, small: number, unit: string]

const day = (daysAgo: number): string => new Date(Date.now() - daysAgo * 86_400_000).toISOString().slice(0, 10)

/** Milliseconds of one request, the median of some, and the bytes of its answer. */
const answer = async ({ port }: Server, path: string): Promise<{ millis: number; bytes: number }> => {
  const millis: number[] = []
  let bytes = 0
  for (let round = 0; round <= ROUNDS; round += 1) {
    const begun = performance.now()
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: AUTHORIZATION })
    bytes = (await response.arrayBuffer()).byteLength
    if (!response.ok) throw new Error(`${path} was answered ${response.status}`)
    if (round > 0) millis.push(performance.now() - begun)
  }
  return { millis: median(millis), bytes }
}

const PAGES: [name: string, path: () => string][] = [
  ['/overview', () => '/overview'],
  ['/pipelines/{id} of a pipeline with four runs an hour', () => '/pipelines/77'],
  ['/pipelines/{id} of the busy one, 30 days', () => `/pipelines/${PIPELINES + 1}?days=30`],
  ['/pipelines/{id} of the busy one, 7 days', () => `/pipelines/${PIPELINES + 1}?days=7`],
  ['report over 7 days', () => `/reporting?from=${day(6)}&to=${day(0)}`],
  ['report over 30 days', () => `/reporting?from=${day(29)}&to=${day(0)}`],
  ['report over 30 days, by error rate', () => `/reporting?from=${day(29)}&to=${day(0)}&sort=error_rate`],
]

/** The median of a measure for each size, in rounds that alternate; the first round does not count. */
const compare = async (rounds: number, measureOne: (size: Size) => Promise<number>): Promise<[large: number, small: number]> => {
  const taken: Record<Size, number[]> = { large: [], small: [] }
  for (let round = 0; round <= rounds; round += 1) {
    for (const size of ['large', 'small'] as const) {
      const figure = await measureOne(size)
      if (round > 0) taken[size].push(figure)
    }
  }
  return [median(taken.large), median(taken.small)]
}

/** The calls of every run: milliseconds for each request, from requests a second. */
const measureCalls = async (servers: Ports, ids: Record<Size, number>): Promise<Row[]> => {
  let next = 0
  const calls: Record<string, (size: Size) => Call> = {
    'GET /pipeline/{id}': () => ({ method: 'GET', path: `/pipeline/${1 + (next % PIPELINES)}` }),
    'POST /pipeline (known)': () => ({
      method: 'POST',
      path: '/pipeline',
      body: { name: `scale-${1 + (next % PIPELINES)}`, pipeline_type_name: 'scale' },
    }),
    'POST /start_pipeline_execution': () => ({
      method: 'POST',
      path: '/start_pipeline_execution',
      body: { pipeline_id: 1 + (next % PIPELINES) },
    }),
    'POST /end_pipeline_execution': (size) => {
      ids[size] += 1
      return { method: 'POST', path: '/end_pipeline_execution', body: { id: ids[size], inserts: 10, total_rows: 10 } }
    },
    'GET /pipeline_execution?pipeline_id= (100 rows)': () => ({
      method: 'GET',
      path: `/pipeline_execution?limit=100&pipeline_id=${1 + (next % PIPELINES)}`,
    }),
  }
  const rows: Row[] = []
  for (const [name, call] of Object.entries(calls)) {
    const figures = await compare(5, async (size) => {
      const target = {
        port: servers[size].port,
        next: () => {
          next += 1
          return call(size)
        },
      }
      return 1000 / (await closedLoop(target, CONNECTIONS, 0.5))
    })
    rows.push([name, ...figures, 'ms a request, 8 at once'])
  }
  return rows
}

const measureSweeps = async (urls: Record<Size, string>, endpoint: string): Promise<Row[]> => {
  const rows: Row[] = []
  const now = new Date().toISOString()
  for (const [kind, payload] of [
    ['check_timeliness', { since: new Date(Date.now() - 3_600_000).toISOString() }],
    ['check_freshness', {}],
    ['count_days', {}],
  ] as const) {
    const figures = await compare(ROUNDS, (size) =>
      withClient(urls[size], async (client) => {
        const job = await claimed(client, kind, payload, now)
        return timed(() => sweep(connect(urls[size], endpoint), job, now))
      }),
    )
    rows.push([`${kind}, with nothing new`, ...figures, 'ms'])
  }
  return rows
}

/** An answer of /metrics is kept for ten seconds: this is what making it costs. */
const measureMetrics = async (urls: Record<Size, string>, endpoint: string): Promise<Row> => {
  const figures = await compare(ROUNDS, (size) =>
    timed(() => measure(connect(urls[size], endpoint), house, false, new Date().toISOString())),
  )
  return ['the statement of /metrics', ...figures, 'ms']
}

/** Deletes the whole month, as the daily cleanup will some day: the clock stands 120 days later. */
const cleanMonth = async (url: string, endpoint: string): Promise<{ seconds: number; runs: number }> => {
  const now = new Date(Date.now() + 120 * 86_400_000).toISOString()
  const cleanup = { retention_days: 90, batch_size: 10_000 }
  let [runs, complete] = [0, false]
  const millis = await timed(async () => {
    while (!complete) {
      const done = await cleanLogs(connect(url, endpoint), house, cleanup, { now, dayRetentionDays: 1_825, maxMillis: 60_000 })
      complete = done.complete
      runs += done.deleted.total_pipeline_executions_deleted ?? 0
    }
  })
  return { seconds: millis / 1000, runs }
}

export const measureScale = async (
  urls: Record<Size, string>,
  endpoint: string,
  serve: (database: string) => Promise<Server>,
): Promise<string> => {
  const ids = { large: 0, small: 0 }
  const runs = { large: 0, small: 0 }
  const counting: Record<Size, number> = { large: 0, small: 0 }
  for (const size of ['large', 'small'] as const) {
    const begun = performance.now()
    runs[size] = await fill(urls[size], size)
    console.log(`filled ${runs[size]} runs in ${Math.round((performance.now() - begun) / 1000)} s`)
    ids[size] = runs[size] - UNENDED
    const count = { ...countableAt(new Date().toISOString()), maxSteps: 200, mayBegin: () => true }
    counting[size] = (await timed(() => countDays(connect(urls[size], endpoint), count))) / 1000
    await withClient(urls[size], (client: pg.Client) => client.query('vacuum analyze pipeline_day'))
  }
  const servers = { large: await serve(urls.large), small: await serve(urls.small) }
  const rows: Row[] = [['all days counted for the first time', counting.large, counting.small, 's']]
  rows.push(...(await measureCalls(servers, ids)), ...(await measureSweeps(urls, endpoint)), await measureMetrics(urls, endpoint))
  for (const [name, path] of PAGES) {
    const [large, small] = [await answer(servers.large, path()), await answer(servers.small, path())]
    rows.push([`${name} (${Math.round(large.bytes / 1000)} and ${Math.round(small.bytes / 1000)} kB)`, large.millis, small.millis, 'ms'])
  }
  await fillYear(urls.large)
  await fillYear(urls.small)
  const year = `/reporting?from=${day(364)}&to=${day(0)}`
  rows.push(['report over 365 days', (await answer(servers.large, year)).millis, (await answer(servers.small, year)).millis, 'ms'])
  const [large, small] = [await cleanMonth(urls.large, endpoint), await cleanMonth(urls.small, endpoint)]
  rows.push([
    `cleanup of the month (${large.runs.toLocaleString('en')} and ${small.runs.toLocaleString('en')} runs)`,
    large.seconds,
    small.seconds,
    's',
  ])
  rows.push(['cleanup of 1,000 runs', (large.seconds / large.runs) * 1e6, (small.seconds / small.runs) * 1e6, 'ms'])
  const lines = rows.map(
    ([name, big, little, unit]) => `| ${name} | ${figure(big)} ${unit} | ${figure(little)} ${unit} | ${(big / little).toFixed(1)} |`,
  )
  return `| what | ${runs.large.toLocaleString('en')} runs | ${runs.small.toLocaleString('en')} runs | times |\n|---|---|---|---|\n${lines.join('\n')}`
}

const figure = (value: number): string => (value < 10 ? value.toFixed(2) : Math.round(value).toLocaleString('en'))
