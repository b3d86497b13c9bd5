import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { freePort } from '../../src/dev/postgres.ts'
import { levelOf } from '../../src/features/monitoring/depth-level.ts'
import { type AimedRow, withClient } from './jobs.ts'
import { API_TOKENS, AUTHORIZATION } from './load.ts'
import { stopProcess } from './workerd.ts'

/**
 * Thousands of incidents at once, and many deadlines, in a lineage of 10,000 addresses: through `npm start`, with its queue, to three
 * channels that people read. The database holds the graph of lineage.ts.
 */
const INCIDENTS = 5_000
const AIM_SECONDS = 20
const DEADLINES = 100
/** Long enough that a minute with deadlines passes. */
const WATCHED_SECONDS = 70

const ROOT = join(import.meta.dirname, '../..')
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: { start: string } }
/** What `npm start` runs after the build, without node itself. */
const COMMAND = (scripts.start.split('exec node ')[1] ?? '').split(' ')

/** The times of the posts to each path. */
const startReceiver = async () => {
  const posts = new Map<string, number[]>()
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      posts.set(request.url ?? '', [...(posts.get(request.url ?? '') ?? []), performance.now()])
      response.end('ok')
    })
  })
  server.keepAliveTimeout = 10 * 60 * 1000 // workerd uses an idle connection again without a check
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, posts, close }
}
type Receiver = Awaited<ReturnType<typeof startReceiver>>

const startWatcher = async (database: string, slack: string): Promise<{ child: ChildProcess; port: number }> => {
  execFileSync('npm', ['run', '--silent', 'build:production'], { cwd: ROOT, stdio: 'ignore' })
  const port = await freePort()
  const child = spawn(process.execPath, COMMAND, {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      ENV_STATE: 'prod',
      DATABASE_URL: database,
      PORT: String(port),
      WATCHER_API_TOKENS: API_TOKENS,
      SLACK_WEBHOOK_URL: slack,
      WATCHER_ENCRYPTION_KEY: btoa(String.fromCharCode(...randomBytes(32))),
      WATCHER_ALLOW_PRIVATE_WEBHOOKS: 'true',
    },
  })
  await new Promise<void>((resolve) =>
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (text.includes('watcher: serving')) resolve()
    }),
  )
  return { child, port }
}

/** A client of the server, with a connection to its database beside it. */
interface Bench {
  client: pg.Client
  receiver: Receiver
  post: (path: string, body?: unknown) => Promise<Record<string, unknown>>
}

/** Waits until no job is under way or due. */
const untilIdle = async (client: pg.Client): Promise<void> => {
  const busy = `select exists (select from job where state = 'running' or state = 'waiting' and due_at <= now()) as busy`
  while ((await client.query(busy)).rows[0].busy) await sleep(200)
}

/** A tick of the clock would sweep too: waits until none is near. */
const untilNoTickIsNear = async (): Promise<void> => {
  const quarter = 15 * 60_000
  const left = quarter - (Date.now() % quarter)
  if (left < 60_000) await sleep(left + 10_000)
}

/** Runs a kind of job through the queue, as an operator would: a failed job is replayed. */
const runJob = async ({ client, post }: Bench, kind: string): Promise<void> => {
  const { rows } = await client.query(
    `insert into job (kind, payload, state, attempts, error, finished_at) values ($1, '{}', 'failed', 1, 'for the bench', now()) returning id`,
    [kind],
  )
  await post('/replay_job', { id: Number(rows[0].id) })
}

/** Seconds from `begin` to the last message, and how many came to each channel. `kind` is the job of the sweep. */
const measureStorm = async (bench: Bench, what: string, kind: string, begin: () => Promise<unknown>): Promise<AimedRow> => {
  const { client, receiver } = bench
  receiver.posts.clear()
  const count = async () => Number((await client.query('select count(*) as n from incident')).rows[0].n)
  const before = await count()
  const { id: lastJob } = (await client.query('select max(id) as id from job')).rows[0]
  const begun = performance.now()
  await begin()
  await sleep(500)
  await untilIdle(client)
  const opened = (await count()) - before
  if (opened !== INCIDENTS) throw new Error(`${what}: ${INCIDENTS} incidents must open, but ${opened} did`)
  const { rows: unfinished } = await client.query(
    `select kind, state, left(error, 200) as error, due_at - now() as due from job where id > $1 and state <> 'succeeded' limit 3`,
    [lastJob],
  )
  if (unfinished.length > 0) throw new Error(`${what}: ${JSON.stringify(unfinished)}`)
  const seconds = (Math.max(...[...receiver.posts.values()].flat()) - begun) / 1000
  const messages = [...receiver.posts.values()].map((times) => times.length)
  const { rows } = await client.query(
    `select kind, sum(extract(epoch from finished_at - started_at))::float as seconds from job
     where id > $1 and kind in ($2, 'notify', 'send_alert') and state = 'succeeded'
     group by kind order by min(finished_at)`,
    [lastJob, kind],
  )
  const parts = rows.map((row: { kind: string; seconds: number }) => `${row.kind} ${row.seconds.toFixed(1)} s`).join(', ')
  const folded = Number((await client.query('select count(*) as n from incident where caused_by is not null')).rows[0].n)
  return {
    what,
    figure: `${seconds.toFixed(1)} s to the last message (${parts}); messages per text channel: ${messages.join(', ')}; ${folded.toLocaleString('en')} folded`,
    aim: `under ${AIM_SECONDS} s, one message`,
    holds: seconds < AIM_SECONDS && messages.length > 0 && messages.every((number) => number === 1),
  }
}

const measureStale = async (bench: Bench): Promise<AimedRow> => {
  await bench.client.query(`
    update pipeline_type set freshness_number = 2, freshness_datepart = 'hour' where name = 'bench';
    update pipeline set last_target_insert = now() - interval '3 hours' where name like 'graph-%' and id % 2 = 0`)
  await bench.client.query('vacuum analyze pipeline')
  return measureStorm(bench, `${INCIDENTS.toLocaleString('en')} stale pipelines of one sweep`, 'check_freshness', () =>
    bench.post('/freshness'),
  )
}

const measureMissed = async (bench: Bench): Promise<AimedRow> => {
  await bench.client.query(`
    update pipeline set schedule_number = 1, schedule_datepart = 'hour', schedule_grace_minutes = 1, schedule_from = now() - interval '65 minutes',
      check_at = now() - interval '4 minutes'
    where name like 'graph-%' and id % 2 = 1`)
  await bench.client.query('vacuum analyze pipeline')
  // One check judges 2,000 pipelines at once, and goes on with the rest.
  return measureStorm(bench, `${INCIDENTS.toLocaleString('en')} missed runs`, 'check_schedules', () => runJob(bench, 'check_schedules'))
}

/** Many deadlines in the next quarter of an hour: their jobs are recorded at once, and are no backlog. */
const measureDeadlines = async (bench: Bench): Promise<AimedRow> => {
  await bench.client.query(`
    insert into pipeline (name, pipeline_type_id, load_lineage, schedule_cron, schedule_grace_minutes, schedule_from, schedule_slot_at, check_at)
    select 'deadline-' || i, 1, false, to_char(at.slot at time zone 'UTC', 'FMMI * * * *'), 1, now() - interval '1 day', at.slot, at.slot + interval '1 minute'
    from generate_series(0, ${DEADLINES - 1}) i
    cross join lateral (select date_trunc('minute', now()) + make_interval(mins => i * 14 / ${DEADLINES}) as slot) at`)
  await runJob(bench, 'check_schedules')
  const depths: number[] = []
  for (const end = performance.now() + WATCHED_SECONDS * 1000; performance.now() < end; await sleep(1_000)) {
    depths.push(Number((await bench.post('/celery/monitor-queue')).total_pending))
  }
  const recorded = Number(
    (await bench.client.query(`select count(*) as n from job where unique_key like 'check_deadlines ____-__-__ %'`)).rows[0].n,
  )
  const [deepest, level] = [Math.max(...depths), levelOf(Math.max(...depths))]
  return {
    what: `${DEADLINES} deadlines in the next quarter of an hour`,
    figure: `${recorded} jobs; depth of the queue at most ${deepest}, ${level}`,
    aim: 'at most 15 jobs, healthy',
    holds: recorded > 0 && recorded <= 15 && level === 'healthy',
  }
}

export const measureAtOnce = (database: string): Promise<AimedRow[]> =>
  withClient(database, async (client) => {
    const receiver = await startReceiver()
    const { child, port } = await startWatcher(database, `${receiver.url}/slack`)
    const post: Bench['post'] = async (path, body) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        method: 'POST',
        headers: { ...AUTHORIZATION, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const answer = await response.text()
      if (!response.ok) throw new Error(`POST ${path} was answered ${response.status}: ${answer}`)
      return JSON.parse(answer) as Record<string, unknown>
    }
    const bench: Bench = { client, receiver, post }
    try {
      for (const kind of ['discord', 'teams']) {
        await post('/channel', { name: kind, kind, settings: { webhook_url: `${receiver.url}/${kind}` } })
      }
      await sleep(2_000) // the crons fire at the start
      await untilIdle(client)
      const rows = [await measureDeadlines(bench)]
      // Their deadlines are no part of what follows.
      await client.query(`update pipeline set active = false, check_at = null where name like 'deadline-%'`)
      await untilIdle(client)
      await untilNoTickIsNear()
      rows.push(await measureStale(bench), await measureMissed(bench))
      return rows
    } finally {
      await stopProcess(child)
      receiver.close()
    }
  })
