import { createHash, randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'
import pg from 'pg'
import { unstable_getMiniflareWorkerOptions as getWorkerOptions } from 'wrangler'
import { startNeonEndpoint } from '../dev/neon-endpoint.ts'
import { CRONS } from '../jobs/schedule.ts'
import { ProgramFailure, runProgram } from '../tools/failure.ts'
import { migrate } from '../tools/migrate.ts'
import { readPort, settingsIn } from '../tools/settings.ts'
import { startTicking } from './cron.ts'

const ROOT = dirname(dirname(import.meta.dirname))
const BUNDLE = join(ROOT, 'dist', 'worker', 'index.js')
const ASSETS = join(ROOT, 'dist', 'assets')

/** Requests and jobs that take longer are aborted. A job is claimed again later; a client must repeat its request. */
const DRAIN_MILLIS = 30_000
/** The parts of miniflare's worker that we call; miniflare's own types are incomplete. */
interface Served {
  fetch(url: string, init: { headers: Record<string, string> }): Promise<{ json(): Promise<unknown> }>
  scheduled(options: { cron: string; scheduledTime: Date }): Promise<{ outcome: string }>
}

const QUARTER_MILLIS = 15 * 60_000
/** After this time, a job that was recorded just before the last process ended also counts as lost (see jobs/recover.ts). */
const SECOND_LOOK_MILLIS = 150_000

/**
 * `npm start` serves the production bundle on this machine, with the PostgreSQL in DATABASE_URL, miniflare's queue and our own
 * clock for the crons. One process per database is enough; several are safe.
 */
await runProgram(async () => {
  const state = (process.env.ENV_STATE ?? 'prod').toLowerCase()
  const databaseUrl = readDatabaseUrl(state)
  if (!existsSync(BUNDLE)) throw new ProgramFailure('there is no bundle yet: run npm run build:production')
  const host = process.env.HOST ?? '127.0.0.1'
  const port = await readPort('start', host)

  await migrate(databaseUrl)
  await forgetSends(databaseUrl)
  const password = randomUUID()
  const endpoint = await startNeonEndpoint(databaseUrl, { password })
  const drainSecret = randomUUID()
  process.env.WORKERD = (createRequire(import.meta.url)('workerd') as { default: string }).default
  process.env.MINIFLARE_WORKERD_PATH = join(import.meta.dirname, 'workerd.sh')
  const miniflare = new Miniflare(
    workerOptions({
      host,
      port,
      bindings: {
        ...settingsIn(process.env, state),
        // The real credentials stay in this process: the worker gets only the password of the endpoint.
        DATABASE_URL: `postgresql://watcher:${password}@localhost${new URL(databaseUrl).pathname}`,
        NEON_FETCH_ENDPOINT: endpoint.url,
        DRAIN_SECRET: drainSecret,
        ASSET_HEADERS: readHeaders(),
      },
    }),
  )
  const stopping = untilSignalled()
  await miniflare.ready
  const worker = (await miniflare.getWorker()) as unknown as Served
  const fire = async (cron: string, scheduledTime: Date) => (await worker.scheduled({ cron, scheduledTime })).outcome === 'ok'
  const stopTicking = startTicking(fire, Object.values(CRONS))
  // The previous process's queue is lost with it: look at once for its jobs, and for a tick that did not fire.
  const lookForLost = () => fire(CRONS.quarterHourly, new Date(Math.floor(Date.now() / QUARTER_MILLIS) * QUARTER_MILLIS))
  await lookForLost()
  const secondLook = setTimeout(
    () => void lookForLost().catch(() => console.error('watcher: the search for lost jobs could not start; the next cron searches again')),
    SECOND_LOOK_MILLIS,
  )
  console.log(`watcher: serving http://${host}:${port} (${state}); SIGTERM or Ctrl-C stops it after the requests and jobs under way`)

  await stopping
  clearTimeout(secondLook)
  await stopTicking()
  const left = await drain(async () => {
    const answer = await worker.fetch('http://watcher/', { headers: { 'x-drain': drainSecret } })
    return ((await answer.json()) as { underWay: number }).underWay
  })
  console.log(
    left === 0 ? 'watcher: stopped, nothing left under way' : `watcher: stopped; ${left} requests or jobs took too long and were aborted`,
  )
  await miniflare.dispose()
  await endpoint.close()
  process.exit(0)
})

function readDatabaseUrl(state: string): string {
  const text = process.env[`${state.toUpperCase()}_DATABASE_URL`] ?? process.env.DATABASE_URL
  if (!text) throw new ProgramFailure('set DATABASE_URL to your PostgreSQL database: postgresql://user:password@host/database')
  const isGood = URL.canParse(text) && /^postgres(ql)?:$/.test(new URL(text).protocol) && new URL(text).pathname.length > 1
  if (!isGood) throw new ProgramFailure('DATABASE_URL must look like postgresql://user:password@host/database')
  return text
}

/** Allows a new send of every open job: messages that an earlier process has sent again ended with that process. */
async function forgetSends(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await client.query(`update job set resent_at = null where state in ('waiting', 'running') and resent_at is not null`)
  } finally {
    await client.end()
  }
}

/** Resolves when a signal asks this process to end. Miniflare's own listeners would end at once, so they are removed. */
function untilSignalled(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.removeAllListeners(signal)
      process.once(signal, () => {
        resolve()
        process.once(signal, () => process.exit(1)) // a second signal ends it at once
      })
    }
  })
}

/** Miniflare's options: bindings, queues and limits of wrangler.toml, with the bundle and the assets behind draining.js. */
function workerOptions({ host, port, bindings }: { host: string; port: number; bindings: Record<string, unknown> }) {
  const options = getWorkerOptions(join(ROOT, 'wrangler.toml')).workerOptions as Record<string, unknown>
  const bundle = readFileSync(BUNDLE, 'utf8')
  const version = createHash('sha256').update(bundle).digest('hex').slice(0, 12)
  return convertV4MiniflareOptions({
    ...options,
    name: 'watcher',
    host,
    port,
    cf: false,
    log: new Log(LogLevel.WARN),
    modulesRules: undefined,
    rootPath: undefined,
    modules: [
      { type: 'ESModule', path: 'draining.js', contents: readFileSync(join(import.meta.dirname, 'draining.js'), 'utf8') },
      { type: 'ESModule', path: 'worker.js', contents: bundle },
    ],
    assets: undefined,
    serviceBindings: { FILES: { disk: { path: ASSETS, writable: false } } },
    versionMetadata: undefined, // miniflare would invent one at each start
    bindings: { ...bindings, VERSION: { id: version, tag: '', timestamp: '' } },
  } as never)
}

/** Reads the platform's file `_headers`: each path, which may end with `*`, and the headers of its answers. */
function readHeaders(): [path: string, headers: Record<string, string>][] {
  const paths = readFileSync(join(ASSETS, '_headers'), 'utf8').split(/^(?=\/)/m)
  return paths.map((text) => {
    const [path = '', ...lines] = text.trim().split('\n')
    return [path, Object.fromEntries(lines.map((line) => line.trim().split(/: (.*)/)))]
  })
}

/** Waits until nothing is under way, at most DRAIN_MILLIS; answers how many requests and jobs are left. */
async function drain(countUnderWay: () => Promise<number>): Promise<number> {
  const deadline = Date.now() + DRAIN_MILLIS
  for (;;) {
    const left = await countUnderWay()
    if (left === 0 || Date.now() > deadline) return left
    await sleep(50)
  }
}
