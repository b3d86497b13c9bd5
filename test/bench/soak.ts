import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { freePort, startPostgres } from '../../src/dev/postgres.ts'
import { lastDue } from '../../src/server/cron.ts'
import { childNamed, memoryMib, treeOf } from '../support/node/processes.ts'
import { compareWithBare } from './against-bare.ts'
import { median, percentile } from './load.ts'

/**
 * `npm run soak` compares `npm start` with the same bundle on bare workerd (CPU of a request, requests a second). Then it records
 * runs for ten minutes (or SECONDS) at half of the capacity. Meanwhile it kills workerd and node (-9), stops node and PostgreSQL.
 * Clients repeat refused requests, as real clients do. Then it waits until all jobs are done, without a hand on them, and looks
 * for every run in the database. Exit code 1: a run or a cron is lost, a run is doubled, or an answer was wrong.
 */
const SECONDS = Number(process.env.SECONDS ?? 600)
const CONNECTIONS = 16
const CAPACITY_SECONDS = Math.min(20, SECONDS / 6)
const PIPELINES = 200
/** One in this many pipelines has a rule: each of its ends records a job. */
const RULE_EVERY = 20
/** The rate limit of one token is 100 requests per second. */
const TOKENS = Array.from({ length: 64 }, (_, index) => `soak-${index}-${crypto.randomUUID()}`)
const GIVE_UP_MILLIS = 120_000
/** A claim holds for five minutes. */
const JOBS_MILLIS = 400_000

const folder = mkdtempSync(join(tmpdir(), 'watcher-soak-'))
const databasePort = await freePort()
const startDatabase = () => startPostgres(folder, { durable: true, port: databasePort })
let postgres = await startDatabase()
const port = await freePort()
const base = { host: '127.0.0.1', port }

const ROOT = join(import.meta.dirname, '../..')
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: { start: string } }
/** What `npm start` runs after the build, without node itself. */
const COMMAND = (scripts.start.split('exec node ')[1] ?? '').split(' ')

interface Server {
  child: ChildProcess
  ended: Promise<unknown>
}

const startServer = async (settings: Record<string, string> = {}): Promise<Server> => {
  const child = spawn(process.execPath, COMMAND, {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      ENV_STATE: 'prod',
      DATABASE_URL: postgres.url,
      PORT: String(port),
      WATCHER_API_TOKENS: TOKENS.map((token, index) => `client-${index}:${token}`).join(','),
      ...settings,
    },
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  await new Promise<void>((resolve) =>
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (text.includes('watcher: serving')) resolve()
    }),
  )
  return { child, ended }
}

const query = async (text: string): Promise<Record<string, string>[]> => {
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

const answers = new Map<number | string, number>()
const wrong: string[] = []
const latencies: number[] = []
const agent = new Agent({ keepAlive: true, maxSockets: 256 })
let sent = 0

const sendOnce = (method: string, path: string, body: unknown, headers: Record<string, string>) =>
  new Promise<{ status: number; retryAfter: string | undefined; body: string }>((resolve, reject) => {
    const payload = body === undefined ? undefined : JSON.stringify(body)
    sent += 1
    const outgoing = request(
      {
        ...base,
        agent,
        method,
        path,
        headers: { authorization: `Bearer ${TOKENS[sent % TOKENS.length]}`, 'content-type': 'application/json', ...headers },
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part
        })
        response.once('error', reject)
        response.once('end', () => resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'], body: text }))
      },
    )
    outgoing.setTimeout(12_000, () => outgoing.destroy(new Error('no answer in twelve seconds')))
    outgoing.once('error', reject)
    outgoing.end(payload)
  })

/** Sends a request until it is answered. Refused connections and 503 are repeated; any other status from 500 on is fatal. */
const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<string> => {
  const begun = performance.now()
  for (;;) {
    try {
      const { status, retryAfter, body: text } = await sendOnce(method, path, body, headers)
      answers.set(status, (answers.get(status) ?? 0) + 1)
      if (status < 300) {
        latencies.push(performance.now() - begun)
        return text
      }
      if (status !== 503 || retryAfter === undefined) wrong.push(`${method} ${path}: ${status} ${text}`)
      if (status !== 503) throw new Fatal(`${status} ${text}`)
    } catch (error) {
      if (error instanceof Fatal) throw error
      answers.set('no connection', (answers.get('no connection') ?? 0) + 1)
    }
    if (performance.now() - begun > GIVE_UP_MILLIS) throw new Fatal(`${method} ${path} was not answered within two minutes`)
    await sleep(200 + Math.random() * 800)
  }
}

class Fatal extends Error {}

let runs = 0
const acked = new Map<number, number>()
const CALLS_PER_RUN = 4

/** One run of a pipeline; its number is in the metadata, to find the run again. */
const run = async (): Promise<void> => {
  runs += 1
  const number = runs
  const name = `soak-${number % PIPELINES}`
  await call('POST', '/pipeline', { name, pipeline_type_name: 'soak', next_watermark: number })
  const started = await call(
    'POST',
    '/start_pipeline_execution',
    { pipeline_name: name, execution_metadata: { run: number } },
    { 'idempotency-key': `run-${number}` },
  )
  const { id } = JSON.parse(started) as { id: number }
  await call('POST', '/end_pipeline_execution', { id, inserts: number, total_rows: number })
  acked.set(number, id)
  await call('GET', `/pipeline_execution/${id}`)
}

const closedLoop = async (seconds: number): Promise<number> => {
  const end = performance.now() + seconds * 1000
  const before = runs
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (performance.now() < end) await run()
    }),
  )
  return ((runs - before) * CALLS_PER_RUN) / seconds
}

// Without tokens there is no rate limit: it counts by token.
let server = await startServer({ ENV_STATE: 'test', WATCHER_API_TOKENS: '' })
const comparison = await compareWithBare(postgres.url, { port, child: server.child })
server.child.kill('SIGTERM')
await server.ended
await query('truncate pipeline, pipeline_type, job restart identity cascade')
server = await startServer()
for (let index = 0; index < PIPELINES; index += 1) {
  const { id } = JSON.parse(await call('POST', '/pipeline', { name: `soak-${index}`, pipeline_type_name: 'soak' })) as { id: number }
  if (index % RULE_EVERY === 0) await call('POST', '/anomaly_detection_rule', { pipeline_id: id, metric_field: 'inserts' })
}
await closedLoop(CAPACITY_SECONDS / 2)
const capacity = await closedLoop(CAPACITY_SECONDS)
latencies.length = 0
const rate = capacity / 2
console.log(`capacity: ${capacity.toFixed(0)} requests/s with ${CONNECTIONS} clients; load: ${rate.toFixed(0)} requests/s for ${SECONDS} s`)

const faults = { 'workerd killed': 0, 'node killed': 0, 'node stopped': 0, 'database stopped': 0 }
/** Seconds from the end of a fault until all crons had fired. */
const cronSeconds: number[] = []
/** Waits until each cron has fired since `begun`: a process that starts makes up the last tick of each. */
const untilCronsFired = async (begun: Date) => {
  const since = performance.now()
  while (Number((await query(`select count(*) as n from cron_tick where came_at < '${begun.toISOString()}'`))[0]?.n) > 0) {
    if (performance.now() - since > 60_000) break
    await sleep(100)
  }
  cronSeconds.push((performance.now() - since) / 1000)
}
const restartServer = async (signal: 'SIGTERM' | 'SIGKILL') => {
  faults[signal === 'SIGTERM' ? 'node stopped' : 'node killed'] += 1
  server.child.kill(signal) // only node: its workerd must end by itself
  await server.ended
  const begun = new Date()
  server = await startServer()
  await untilCronsFired(begun)
}
const killWorkerd = async () => {
  faults['workerd killed'] += 1
  const workerd = childNamed(server.child.pid ?? 0, 'workerd')
  if (workerd !== undefined) process.kill(workerd, 'SIGKILL')
}
const stopDatabase = async () => {
  faults['database stopped'] += 1
  await postgres.stop()
  await sleep(3_000)
  postgres = await startDatabase()
}
/** Disturbs the first 45 % of the time; the rest is undisturbed, to measure the memory. */
const disturb = async () => {
  const blows = [killWorkerd, stopDatabase, () => restartServer('SIGTERM'), killWorkerd, () => restartServer('SIGKILL'), stopDatabase]
  for (const blow of blows) {
    await sleep((SECONDS * 450) / (blows.length + 1))
    await blow()
  }
}

const memory: number[] = []
const running = new Set<Promise<void>>()
const failures: unknown[] = []
let isDisturbed = true
const disturbance = disturb().then(() => {
  isDisturbed = false
  latencies.length = 0
})
const begun = performance.now()
for (let index = 0; ; index += 1) {
  const due = begun + (index * 1000 * CALLS_PER_RUN) / rate
  if (due > begun + SECONDS * 1000) break
  while (performance.now() < due) await sleep(Math.max(1, due - performance.now() - 1))
  const going: Promise<void> = run()
    .catch((error) => void failures.push(error))
    .finally(() => running.delete(going))
  running.add(going)
  if (!isDisturbed && index % Math.ceil(rate / CALLS_PER_RUN) === 0) memory.push(memoryMib(treeOf(server.child.pid ?? 0)))
}
await disturbance
await Promise.all(running)

const client = new pg.Client({ connectionString: postgres.url })
await client.connect()
const unfinished = async () => Number((await client.query(`select count(*) as n from job where state in ('waiting', 'running')`)).rows[0].n)
const left = await unfinished()
// A job that a killed worker held is free again after five minutes, and is then run without a hand on it.
const waitBegun = performance.now()
while (performance.now() - waitBegun < JOBS_MILLIS && (await unfinished()) > 0) await sleep(1_000)
const jobSeconds = (performance.now() - waitBegun) / 1000
const ticks = (await client.query<{ cron: string; due_at: Date }>('select cron, due_at from cron_tick')).rows
const lateCrons = ticks.filter(({ cron, due_at }) => due_at.getTime() !== lastDue(cron, new Date(Date.now() - 10_000))?.getTime())

const { rows } = await client.query<Record<string, string>>(`
  select count(*) as executions,
    count(distinct execution_metadata ->> 'run') as runs,
    count(*) filter (where end_date is not null and completed_successfully and inserts = (execution_metadata ->> 'run')::bigint) as ended,
    (select count(*) from job where kind = 'detect_anomalies') as jobs,
    (select count(*) from job where state <> 'succeeded') as unfinished,
    count(*) filter (where pipeline_id in (select pipeline_id from anomaly_detection_rule)) as with_rule
  from pipeline_execution`)
const found = Object.fromEntries(Object.entries(rows[0] ?? {}).map(([name, value]) => [name, Number(value)]))
const stored = await client.query<{ id: string; run: string }>(`select id, execution_metadata ->> 'run' as run from pipeline_execution`)
const misplaced = stored.rows.filter(({ id, run: number }) => acked.get(Number(number)) !== Number(id)).length
await client.end()
server.child.kill('SIGTERM')
await server.ended
await postgres.stop()
for (const used of new Set([folder, postgres.folder])) rmSync(used, { recursive: true, force: true })

latencies.sort((left, right) => left - right)
const third = Math.floor(memory.length / 3)
const thirds = [memory.slice(0, third), memory.slice(third, -third), memory.slice(-third)].map(median)
console.log(
  JSON.stringify(
    {
      requests: sent,
      answers: Object.fromEntries(answers),
      faults,
      'runs acknowledged': acked.size,
      'executions stored': found.executions,
      'lost or not as sent': acked.size - (found.ended ?? 0),
      doubled: (found.executions ?? 0) - (found.runs ?? 0),
      'under another id than acknowledged': misplaced,
      'jobs expected, recorded, not done': [found.with_rule, found.jobs, found.unfinished],
      'jobs open at the end of the load, and seconds until none was': [left, jobSeconds.toFixed(0)],
      'seconds from the restart of node until all crons had fired': cronSeconds.map((seconds) => seconds.toFixed(1)),
      'crons whose last tick is missing': lateCrons.map(({ cron }) => cron),
      'undisturbed p50 and p99 in ms': [percentile(latencies, 50).toFixed(1), percentile(latencies, 99).toFixed(1)],
      'memory of all processes but PostgreSQL in MiB (PSS), thirds of the undisturbed time': thirds.map((mib) => mib.toFixed(0)),
      'against the same bundle on bare workerd': comparison.map(
        ({ call, cpuRatio, rateRatio, cpuMicros, perSecond }) =>
          `${call}: ${cpuRatio.toFixed(2)} x the CPU (${cpuMicros.toFixed(0)} us), ${rateRatio.toFixed(2)} x the requests/s (${perSecond.toFixed(0)})`,
      ),
      'answered wrongly': wrong.slice(0, 5),
      'given up': failures.length,
    },
    null,
    2,
  ),
)
const isGood =
  wrong.length + failures.length + misplaced + (found.unfinished ?? 1) === 0 &&
  found.executions === acked.size &&
  found.ended === acked.size &&
  found.runs === acked.size &&
  found.jobs === found.with_rule &&
  lateCrons.length === 0 &&
  Math.max(...cronSeconds) < 10
process.exit(isGood ? 0 : 1)
