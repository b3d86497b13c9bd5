import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { startPostgres } from '../../src/dev/postgres.ts'
import { migrate } from '../../src/tools/migrate.ts'
import { renderAnomalies } from './anomalies.ts'
import { renderAnomalyCpu } from './anomaly-cpu.ts'
import { type BackgroundFigures, measureBackground } from './background.ts'
import { checkOut, compareVersions, migrateTo } from './before.ts'
import { type CpuRow, type Measured, measureCpu, renderCpu } from './cpu.ts'
import { fillEnds, nextOnFailed, nextOnWell } from './ends.ts'
import { measureIncidents } from './incidents.ts'
import { withClient } from './jobs.ts'
import { type LineageFigures, measureLineage } from './lineage.ts'
import { API_TOKENS, type Call, closedLoop, median, openLoop, percentile, type Target } from './load.ts'
import { eventOf, measureOpenlineage } from './openlineage.ts'
import { measurePages } from './pages.ts'
import { measureParity } from './parity.ts'
import { measureScale } from './scale.ts'
import { type Bundle, buildBundle, measureStartup, type Server, serveBundle, stopProcess } from './workerd.ts'

/**
 * `npm run bench` measures the minified production bundle on bare workerd, with PostgreSQL behind the local Neon endpoint. This
 * process makes the load. Every figure is compared with the limit of the same run: a worker of a few lines that makes one
 * statement of the same kind through the same driver. Rounds alternate, so a change in the machine's speed affects both.
 */

const ROUNDS = 5
const ROUND_SECONDS = 2
const CONNECTIONS = 8
const RATE = 200
const RATE_SECONDS = 5
const MEMORY_REQUESTS = 50_000
const PIPELINES = 1_000
const EXECUTIONS = 200_000

interface Row {
  name: string
  kind: 'read' | 'insert'
  roundTrips: number
  perSecond: number
  /** The share of the limit of its kind. */
  ratio: number
  p50: number
  p99: number
  p99Ratio: number
}

const folder = mkdtempSync(join(tmpdir(), 'watcher-bench-'))
const postgres = await startPostgres(folder, { durable: false })
const started: (() => Promise<void>)[] = [postgres.stop]
async function main(): Promise<void> {
  const [only, argument] = process.argv.slice(2)
  if (only === undefined) return printAll()
  const print = MODES[only]
  if (!print) throw new Error(`there is npm run bench, and npm run bench -- with one of ${Object.keys(MODES).join(', ')}; not ${only}`)
  return print(argument)
}

/** `npm run bench`: everything that has no mode of its own. */
async function printAll(): Promise<void> {
  const names = ['load', 'graph', 'empty', 'large', 'small', 'cleaned']
  const urls = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await createDatabase(name)])))
  await fillForLoad(urls.load)
  const endpoint = await startEndpoint()
  const bundle = buildBundle('watcher', 'wrangler.toml')
  const limitBundle = buildBundle('limit', 'test/bench/limit.toml')
  const startupMillis = measureStartup()
  const serve = (which: Bundle, database: string) => serveWatcher(which, database, endpoint)
  const watcher = await serve(bundle, urls.load)
  const limit = await serve(limitBundle, urls.load)

  const cpu = await measureHotCalls(urls.load, endpoint)
  const rows = await measureEndpoints(watcher, limit, endpoint)
  const memory = await measureMemory(watcher)
  const lineage = await measureLineage((await serve(bundle, urls.graph)).port, (await serve(bundle, urls.empty)).port, urls.graph)
  const background = await measureBackground(endpoint, urls, (await serve(bundle, urls.cleaned)).port)
  const figures = { machine: describeMachine(), bundleGzipKib: bundle.gzipKib, startupMillis, memory, cpu, rows, lineage, background }
  writeFileSync('dist/bench.json', `${JSON.stringify(figures, null, 2)}\n`)
  console.log(render(figures))
}

/** `npm run bench -- cpu`: only the hot calls and two lists, against their own statements. */
async function printCpu(): Promise<void> {
  const url = await createDatabase('load')
  await fillForLoad(url)
  console.log(`\n${renderCpu(await measureHotCalls(url, await startEndpoint()))}\n`)
}

/** `npm run bench -- scale`: a month of six million runs beside one of sixty thousand. */
async function printScale(): Promise<void> {
  const urls = { large: await createDatabase('large'), small: await createDatabase('small') }
  const endpoint = await startEndpoint()
  const bundle = buildBundle('watcher', 'wrangler.toml')
  console.log(
    `\nMeasured on ${describeMachine()}.\n\n${await measureScale(urls, endpoint, (url) => serveWatcher(bundle, url, endpoint))}\n`,
  )
}

/** `npm run bench -- incidents`: schedules, and many incidents at once. Each figure has an aim. */
async function printIncidents(): Promise<void> {
  const urls = { large: await createDatabase('large'), small: await createDatabase('small'), graph: await createDatabase('graph') }
  console.log(`\nMeasured on ${describeMachine()}.\n\n${await measureIncidents(urls, await startEndpoint())}\n`)
}

/** `npm run bench -- pages`: what each page costs among 10,000 pipelines and six million runs. Each figure has an aim. */
async function printPages(): Promise<void> {
  const url = await createDatabase('pages')
  const endpoint = await startEndpoint()
  const bundle = buildBundle('watcher', 'wrangler.toml')
  console.log(
    `\nMeasured on ${describeMachine()}, with a load of ${loadavg()[0]?.toFixed(1)}.\n\n${await measurePages(url, endpoint, () => serveWatcher(bundle, url, endpoint))}\n`,
  )
}

/** `npm run bench -- openlineage`: events of OpenLineage beside starts and ends, and with a million of them stored. Each figure has an aim. */
async function printOpenlineage(): Promise<void> {
  const urls = { empty: await createDatabase('empty'), stored: await createDatabase('stored') }
  const endpoint = await startEndpoint()
  const bundle = buildBundle('watcher', 'wrangler.toml')
  console.log(
    `\nMeasured on ${describeMachine()}, with a load of ${loadavg()[0]?.toFixed(1)}.\n\n${await measureOpenlineage(urls, (url) => serveWatcher(bundle, url, endpoint))}\n`,
  )
}

/**
 * `npm run bench -- before COMMIT`: the hot calls of an older commit of this repository beside those of today. A change that must not
 * make them slower is measured by it.
 */
async function printBefore(commit = 'HEAD'): Promise<void> {
  const older = checkOut(commit)
  started.push(async () => rmSync(older.folder, { recursive: true, force: true }))
  const urls = { before: await createEmptyDatabase('before'), now: await createDatabase('now') }
  migrateTo(older, urls.before)
  for (const url of Object.values(urls)) await fillAlike(url)
  const endpoint = await startEndpoint()
  const servers = {
    before: await serveWatcher(older.bundle, urls.before, endpoint),
    now: await serveWatcher(buildBundle('watcher', 'wrangler.toml'), urls.now, endpoint),
  }
  const table = await compareVersions(servers, postgres.pid, {
    'GET /pipeline/{id}': () => get('/pipeline/7'),
    'POST /pipeline (known, unchanged)': () => post('/pipeline', () => ({ name: 'bench-7', pipeline_type_name: 'bench' })),
    'POST /start_pipeline_execution': () =>
      post('/start_pipeline_execution', () => ({ pipeline_id: pipelineId(), start_date: microsecondsFrom(next()) })),
    'POST /end_pipeline_execution': () => {
      let id = 0
      return post('/end_pipeline_execution', () => {
        id += 1
        return { id, inserts: 10, total_rows: 10 }
      })
    },
  })
  console.log(
    `\nThis version beside ${commit}, measured on ${describeMachine()}, with a load of ${loadavg()[0]?.toFixed(1)}.\n\n${table}\n`,
  )
}

const MODES: Record<string, (argument?: string) => Promise<void>> = {
  cpu: printCpu,
  scale: printScale,
  incidents: printIncidents,
  pages: printPages,
  openlineage: printOpenlineage,
  anomalies: async () => console.log(`${renderAnomalies()}\n\n${renderAnomalyCpu()}`),
  parity: async () => console.log(await measureParity(await createDatabase('parity'), await startEndpoint())),
  before: printBefore,
}

const serveWatcher = async (bundle: Bundle, database: string, endpoint: string): Promise<Server> => {
  const server = await serveBundle(bundle, {
    ENV_STATE: 'prod',
    DATABASE_URL: database,
    NEON_FETCH_ENDPOINT: endpoint,
    WATCHER_API_TOKENS: API_TOKENS,
  })
  started.push(server.stop)
  return server
}

async function measureHotCalls(url: string, endpoint: string) {
  const watcher = await serveWatcher(buildBundle('watcher', 'wrangler.toml'), url, endpoint)
  const hot: Record<string, Measured> = {
    'GET /pipeline/{id}': { call: get('/pipeline/7') },
    'POST /pipeline (known, unchanged)': { call: post('/pipeline', () => ({ name: 'bench-7', pipeline_type_name: 'bench' })) },
    'POST /start_pipeline_execution': {
      call: post('/start_pipeline_execution', () => ({ pipeline_id: pipelineId(), start_date: microsecondsFrom(next()) })),
      replaced: () => ({ [START_DATE_PARAMETER]: microsecondsFrom(next()) }),
    },
    'POST /end_pipeline_execution': {
      call: post('/end_pipeline_execution', () => ({ id: nextUnended(), inserts: 10, total_rows: 10 })),
      replaced: () => ({ 0: String(nextUnended()) }),
    },
    [END_FAILED]: { call: endFailed, replaced: () => ({ 0: String(nextOnWell()) }) },
    [END_RESOLVES]: { call: endResolves, replaced: () => ({ 0: String(nextOnFailed()) }) },
    'GET /pipeline (100 rows)': { call: get('/pipeline?limit=100') },
    'GET /pipeline_execution (100 rows)': { call: get('/pipeline_execution?limit=100&pipeline_id=7') },
  }
  return measureCpu(watcher, endpoint, url, postgres.pid, hot)
}

/** The position of p_start_date in the statement of a start. */
const START_DATE_PARAMETER = 3
const nextUnended = (): number => {
  unended += 1
  return unended
}

async function createDatabase(name: string): Promise<string> {
  const url = await createEmptyDatabase(name)
  await migrate(url)
  return url
}

async function createEmptyDatabase(name: string): Promise<string> {
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  await client.query(`create database ${name}`)
  await client.end()
  return postgres.url.replace(/\/postgres$/, `/${name}`)
}

/** Pipelines and runs that go on, in a database of this version or of an older one. */
const fillAlike = (url: string): Promise<void> =>
  withClient(url, async (client) => {
    await client.query(`
      insert into pipeline_type (name) values ('bench');
      insert into pipeline (name, pipeline_type_id) select 'bench-' || i, 1 from generate_series(1, ${PIPELINES}) i;
      insert into pipeline_execution (pipeline_id, start_date) select 1 + i % ${PIPELINES}, now() from generate_series(1, ${EXECUTIONS}) i`)
    await client.query('vacuum analyze')
  })

async function fillForLoad(url: string): Promise<void> {
  await fillAlike(url)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(
    `
    create table bench_row (id bigint primary key generated always as identity, note text);
    insert into pipeline (name, pipeline_type_id) values ('ruled', 1);
    insert into anomaly_detection_rule (pipeline_id, metric_field) select id, 'inserts' from pipeline where name = 'ruled';
    insert into pipeline_execution (pipeline_id, start_date) select id, now() from pipeline cross join generate_series(1, 20000) where name = 'ruled';
    insert into address_type (name, group_name) values ('t', 'g');
    insert into address (name, address_type_id) select 'a' || i, 1 from generate_series(1, 1000) i;
    insert into address_lineage_closure select id, id, 0 from address;
    insert into address_lineage_closure select 1, id, 1 from address where id between 2 and 20;
    insert into anomaly_detection_rule (pipeline_id, metric_field) select id, 'inserts' from pipeline where id <= 100;
    `,
  )
  await fillEnds(client)
  await client.query('vacuum analyze')
  await client.end()
}

async function startEndpoint(): Promise<string> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'endpoint.ts'), postgres.url], { stdio: ['ignore', 'pipe', 'inherit'] })
  started.push(() => stopProcess(child))
  return new Promise((resolve) => child.stdout.setEncoding('utf8').once('data', (text: string) => resolve(text.trim())))
}

let counter = 0
const next = (): number => {
  counter += 1
  return counter
}
const pipelineId = () => 1 + (next() % PIPELINES)
let unended = 0
let unendedOfRule = 0
const get = (path: string) => (): Call => ({ method: 'GET', path })
const post = (path: string, body: () => unknown) => (): Call => ({ method: 'POST', path, body: body() })

const END_FAILED = 'POST /end_pipeline_execution (failed: opens an incident)'
const END_RESOLVES = 'POST /end_pipeline_execution (success after a failure: resolves it)'
const endFailed = post('/end_pipeline_execution', () => ({ id: nextOnWell(), completed_successfully: false }))
const endResolves = post('/end_pipeline_execution', () => ({ id: nextOnFailed(), inserts: 10, total_rows: 10 }))

const told = { START: 0, COMPLETE: 0 }
/** Each START of a run of its own, and later its COMPLETE. */
const openlineageEvent = (eventType: keyof typeof told) => {
  told[eventType] += 1
  return eventOf(eventType, told[eventType], 'bench')
}

/** First the endpoints with an aim (a share of the limit), then the others. */
const WITH_AIM: Record<string, { kind: Row['kind']; call: () => Call }> = {
  'GET /pipeline/{id}': { kind: 'read', call: () => get(`/pipeline/${pipelineId()}`)() },
  'POST /pipeline (known, unchanged)': {
    kind: 'read',
    call: post('/pipeline', () => ({ name: `bench-${pipelineId()}`, pipeline_type_name: 'bench' })),
  },
  'POST /start_pipeline_execution': {
    kind: 'insert',
    call: post('/start_pipeline_execution', () => ({ pipeline_id: pipelineId(), start_date: microsecondsFrom(next()) })),
  },
  'POST /end_pipeline_execution': {
    kind: 'insert',
    call: post('/end_pipeline_execution', () => ({ id: nextUnended(), inserts: 10, total_rows: 10 })),
  },
}
const OTHERS: typeof WITH_AIM = {
  [END_FAILED]: { kind: 'insert', call: endFailed },
  'POST /end_pipeline_execution (failed again: extends it)': {
    kind: 'insert',
    call: post('/end_pipeline_execution', () => ({ id: nextOnFailed(), completed_successfully: false })),
  },
  [END_RESOLVES]: { kind: 'insert', call: endResolves },
  'POST /end_pipeline_execution (with a rule: its job recorded)': {
    kind: 'insert',
    call: post('/end_pipeline_execution', () => {
      unendedOfRule += 1
      return { id: EXECUTIONS + unendedOfRule, inserts: 10, total_rows: 10 }
    }),
  },
  'POST /api/v1/lineage (START)': { kind: 'insert', call: post('/api/v1/lineage', () => openlineageEvent('START')) },
  'POST /api/v1/lineage (COMPLETE)': { kind: 'insert', call: post('/api/v1/lineage', () => openlineageEvent('COMPLETE')) },
  'GET /': { kind: 'read', call: get('/?deep=true') },
  'GET /pipeline (100 rows)': { kind: 'read', call: get('/pipeline?limit=100') },
  'GET /pipeline_execution (100 rows)': { kind: 'read', call: () => get(`/pipeline_execution?limit=100&pipeline_id=${pipelineId()}`)() },
  'GET /pipeline_execution/{id}': { kind: 'read', call: () => get(`/pipeline_execution/${pipelineId()}`)() },
  'GET /pipeline_type': { kind: 'read', call: get('/pipeline_type') },
  'GET /address/{id}': { kind: 'read', call: get('/address/1') },
  'GET /address_type/{id}': { kind: 'read', call: get('/address_type/1') },
  'GET /address_lineage/{id}': { kind: 'read', call: get('/address_lineage/1') },
  'GET /anomaly_detection_rule/{id}': { kind: 'read', call: get('/anomaly_detection_rule/1') },
  'POST /pipeline (new)': { kind: 'insert', call: post('/pipeline', () => ({ name: `new-${next()}`, pipeline_type_name: 'bench' })) },
  'POST /pipeline_type (known)': { kind: 'read', call: post('/pipeline_type', () => ({ name: 'bench' })) },
  'POST /address (known)': {
    kind: 'read',
    call: post('/address', () => ({ name: 'a1', address_type_name: 't', address_type_group_name: 'g' })),
  },
  'POST /address_type (known)': { kind: 'read', call: post('/address_type', () => ({ name: 't', group_name: 'g' })) },
  'POST /anomaly_detection_rule (known)': {
    kind: 'read',
    call: post('/anomaly_detection_rule', () => ({ pipeline_id: 1, metric_field: 'inserts' })),
  },
}

const BEGUN = Date.now()
/** A start as the Python SDK sends it: with the client's time, in microseconds, each another one. */
function microsecondsFrom(index: number): string {
  const millis = new Date(BEGUN + Math.floor(index / 999)).toISOString()
  return `${millis.slice(0, -1)}${String(1 + (index % 999)).padStart(3, '0')}Z`
}

async function measureEndpoints(watcher: Server, limit: Server, endpoint: string): Promise<Row[]> {
  const limits: Record<Row['kind'], Target> = {
    read: { port: limit.port, next: get('/') },
    insert: { port: limit.port, next: post('/', () => ({ pipeline_id: pipelineId(), start_date: microsecondsFrom(next()) })) },
  }
  const limitNames: Record<Row['kind'], string> = { read: 'limit: select 1', insert: 'limit: insert one row from a body' }
  const rates = new Map<string, number[]>()
  const ratios = new Map<string, number[]>()
  const note = (figures: Map<string, number[]>, name: string, figure: number) => figures.set(name, [...(figures.get(name) ?? []), figure])
  /** The endpoint and the limit of its kind, one right after the other, because the machine's speed varies. */
  const compare = async (name: string, kind: Row['kind'], call: () => Call, seconds: number): Promise<void> => {
    const limitRate = await closedLoop(limits[kind], CONNECTIONS, seconds)
    const rate = await closedLoop({ port: watcher.port, next: call }, CONNECTIONS, seconds)
    note(rates, limitNames[kind], limitRate)
    note(rates, name, rate)
    note(ratios, name, rate / limitRate)
  }
  for (const target of Object.values(limits)) await closedLoop(target, CONNECTIONS, 1)
  for (const { call } of Object.values(WITH_AIM)) await closedLoop({ port: watcher.port, next: call }, CONNECTIONS, 1)
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, { kind, call }] of Object.entries(WITH_AIM)) await compare(name, kind, call, ROUND_SECONDS)
  }
  for (const [name, { kind, call }] of Object.entries(OTHERS)) await compare(name, kind, call, 1)

  const middle = (figures: Map<string, number[]>, name: string) => median(figures.get(name) ?? [])
  const limitLatencies = { read: await steady(limits.read), insert: await steady(limits.insert) }
  const rows: Row[] = (['read', 'insert'] as const).map((kind) => ({
    name: limitNames[kind],
    kind,
    roundTrips: 1,
    perSecond: middle(rates, limitNames[kind]),
    ratio: 1,
    ...limitLatencies[kind],
    p99Ratio: 1,
  }))
  for (const [name, { kind, call }] of Object.entries({ ...WITH_AIM, ...OTHERS })) {
    const target = { port: watcher.port, next: call }
    const beside = name in WITH_AIM ? await steady(limits[kind]) : limitLatencies[kind]
    const latency = await steady(target)
    rows.push({
      name,
      kind,
      roundTrips: await countTrips(target, endpoint),
      perSecond: middle(rates, name),
      ratio: middle(ratios, name),
      ...latency,
      p99Ratio: latency.p99 / beside.p99,
    })
  }
  return rows
}

/** Percentiles at the steady rate: the medians of several rounds. */
async function steady(target: Target): Promise<{ p50: number; p99: number }> {
  const turns: number[][] = []
  for (let turn = 0; turn < ROUNDS; turn += 1) turns.push(await openLoop(target, RATE, RATE_SECONDS / ROUNDS))
  return { p50: median(turns.map((turn) => percentile(turn, 50))), p99: median(turns.map((turn) => percentile(turn, 99))) }
}

async function countTrips(target: Target, endpoint: string): Promise<number> {
  const read = async () => ((await (await fetch(`${endpoint}?database=load`)).json()) as { requests: number }).requests
  const before = await read()
  for (let request = 0; request < 10; request += 1) await openLoop(target, 1000, 0.001)
  return ((await read()) - before) / 10
}

/** Resident memory of workerd after a warm-up, and after many more requests. */
async function measureMemory(watcher: Server): Promise<{ beforeMib: number; afterMib: number; requests: number }> {
  const target = { port: watcher.port, next: WITH_AIM['GET /pipeline/{id}']?.call ?? get('/') }
  const begun = watcher.memoryMib()
  let requests = 0
  while (requests < MEMORY_REQUESTS) requests += (await closedLoop(target, 32, 2)) * 2
  return { beforeMib: begun, afterMib: watcher.memoryMib(), requests: Math.round(requests) }
}

function describeMachine(): string {
  return `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, PostgreSQL 18 (fsync off), everything on one machine`
}

function render(figures: {
  machine: string
  bundleGzipKib: number
  startupMillis: number
  memory: Awaited<ReturnType<typeof measureMemory>>
  cpu: CpuRow[]
  rows: Row[]
  lineage: LineageFigures
  background: BackgroundFigures
}): string {
  const { machine, bundleGzipKib, startupMillis, memory, cpu, rows, lineage, background } = figures
  const lines = rows.map(
    (row) =>
      `| ${row.name} | ${row.roundTrips} | ${Math.round(row.perSecond)} | ${Math.round(row.ratio * 100)} % | ${row.p50.toFixed(1)} | ${row.p99.toFixed(1)} | ${row.p99Ratio.toFixed(1)} |`,
  )
  return `
Measured by \`npm run bench\` on ${machine}. "Limit" is a worker of a few lines that makes one statement through the same driver.
Requests per second are with ${CONNECTIONS} connections, each at its own pace. Latencies are in milliseconds at a steady ${RATE} requests per second.

| request | round trips | requests/s | of the limit | p50 | p99 | p99 / limit |
|---|---|---|---|---|---|---|
${lines.join('\n')}

CPU of one request beside a worker of a few lines that sends the same statement:

${renderCpu(cpu)}

| | |
|---|---|
| bundle | ${Math.round(bundleGzipKib)} KiB gzip |
| start-up CPU | ${Math.round(startupMillis)} ms |
| resident memory before and after ${memory.requests.toLocaleString('en')} requests | ${Math.round(memory.beforeMib)} and ${Math.round(memory.afterMib)} MiB |
| lineage graph | 10,000 addresses, ${lineage.edges.toLocaleString('en')} edges, ${lineage.closureRows.toLocaleString('en')} closure rows |
| the same lineage again, 20 times | ${lineage.repeatWrites} rows written, ${lineage.repeatMillis.toFixed(1)} ms each |
| a new leaf | ${lineage.leafMillis.toFixed(1)} ms, ${(lineage.leafMillis / lineage.leafMillisOnEmpty).toFixed(1)} times an empty graph's ${lineage.leafMillisOnEmpty.toFixed(1)} ms |
| one pipeline's edges replaced | ${lineage.replacedPairs} pairs change, ${lineage.replaceWrites} rows written, ${lineage.replaceMillis.toFixed(1)} ms |
| timeliness sweep, 1,000,000 executions, 10,000 in the window | ${background.timelinessFindings} found, ${background.timelinessMillis.toFixed(0)} ms, ${(background.timelinessMillis / background.timelinessMillisOnSmall).toFixed(1)} times that of 20,000 executions (${background.timelinessMillisOnSmall.toFixed(0)} ms) |
| freshness sweep, 10,000 pipelines, 100 stale | ${background.freshnessTrips} round trip, ${background.freshnessMillis.toFixed(0)} ms |
| anomaly job, 6 rules, 5,000 past executions | ${background.anomalyTrips} round trips, ${background.anomalyMillis.toFixed(0)} ms |
| cleaning ${background.cleanedExecutions.toLocaleString('en')} executions beside 100 starts and ends per second | ${background.cleaningSeconds.toFixed(0)} s; the load's p99 ${background.loadP99WhileCleaning.toFixed(1)} ms, ${(background.loadP99WhileCleaning / background.loadP99).toFixed(1)} times the ${background.loadP99.toFixed(1)} ms without |
`
}

try {
  await main()
} finally {
  for (const stop of started.reverse()) await stop()
  for (const used of new Set([folder, postgres.folder])) rmSync(used, { recursive: true, force: true })
}
