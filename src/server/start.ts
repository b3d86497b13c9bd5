import { createHash, randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startOwnEndpoint } from '../dev/neon-endpoint.ts'
import { CRONS } from '../jobs/crons.ts'
import { ProgramFailure, runProgram } from '../tools/failure.ts'
import { migrate } from '../tools/migrate.ts'
import { readPort, settingsIn } from '../tools/settings.ts'
import { listAssets } from './assets.ts'
import { startBroker } from './broker.ts'
import { describeWorkerd, readCertificates } from './configuration.ts'
import { type Control, createControl } from './control.ts'
import { startTicking } from './cron.ts'
import { refillQueue } from './refill.ts'
import { type Supervised, superviseWorkerd } from './workerd.ts'
import { readWranglerConfig } from './wrangler-config.ts'

const ROOT = dirname(dirname(import.meta.dirname))
const BUNDLE = join(ROOT, 'dist', 'worker', 'index.js')
const ASSETS = join(ROOT, 'dist', 'assets')

/** Requests and jobs that take longer are aborted. A job is claimed again later; a client must repeat its request. */
const DRAIN_MILLIS = 30_000

/**
 * `npm start` serves the production bundle on this machine: workerd runs it, and this process gives it what the platform would:
 * Neon's endpoint in front of the PostgreSQL in DATABASE_URL, the queue, the clock for the crons. workerd is started again when
 * it ends, and ends when this process does. One process per database is enough; several are safe.
 */
await runProgram(async () => {
  const state = (process.env.ENV_STATE ?? 'prod').toLowerCase()
  const databaseUrl = readDatabaseUrl(state)
  if (!existsSync(BUNDLE)) throw new ProgramFailure('there is no bundle yet: run npm run build:production')
  const host = process.env.HOST ?? '127.0.0.1'
  const port = await readPort('start', host)
  const wrangler = readWranglerConfig(join(ROOT, 'wrangler.toml'))

  await migrate(databaseUrl)
  const secret = randomUUID()
  const endpoint = await startOwnEndpoint(databaseUrl)
  const control = createControl(secret, () => workerd?.controlPort())
  const broker = await startBroker(wrangler.queues, secret, control.deliver)
  const bundle = readFileSync(BUNDLE, 'utf8')
  const environment = { ...settingsIn(process.env, state), ...endpoint.settings }
  const configuration = describeWorkerd({
    host,
    port,
    wrangler,
    settings: Object.keys(environment),
    version: createHash('sha256').update(bundle).digest('hex').slice(0, 12),
    assetsFolder: ASSETS,
    assets: listAssets(ASSETS),
    brokerPort: broker.port,
    secret,
    certificates: readCertificates(process.env.NODE_EXTRA_CA_CERTS),
  })
  const ours = (name: string) => readFileSync(join(import.meta.dirname, name), 'utf8')
  const stopping = untilSignalled()
  let workerd: Supervised | undefined
  workerd = await superviseWorkerd({
    files: { 'config.capnp': configuration, 'entry.js': ours('entry.js'), 'control.js': ours('control.js'), 'worker.js': bundle },
    environment,
    onUp: broker.resume,
    onDown: broker.pause,
  })
  let isStopping = false
  const jobs = broker.queues.get(wrangler.queues.producers.find(({ binding }) => binding === 'JOBS')?.queue ?? '')
  if (!jobs) throw new ProgramFailure('wrangler.toml has no consumer for the queue that is bound to JOBS')
  void refillQueue(databaseUrl, jobs, () => isStopping)
  const fire = async (cron: string, scheduledTime: Date) => {
    const { outcome, noRetry } = await control.fire(cron, scheduledTime)
    return outcome === 'ok' || noRetry
  }
  const stopTicking = startTicking(fire, Object.values(CRONS), { catchesUp: true })
  console.log(`watcher: serving http://${host}:${port} (${state}); SIGTERM or Ctrl-C stops it after the requests and jobs under way`)

  await stopping
  isStopping = true
  const ticking = stopTicking()
  broker.pause()
  const isDrained = await drain(control, workerd)
  await ticking // a tick under way has ended with workerd
  console.log(isDrained ? 'watcher: stopped, nothing left under way' : 'watcher: stopped; what took too long was aborted')
  await broker.close()
  await endpoint.close()
  process.exit(0)
})

/**
 * Ends workerd after its work, within DRAIN_MILLIS; true if nothing was aborted. First until no request is under way: new ones
 * are refused meanwhile. Then workerd itself sends what it has begun to answer, and finishes deliveries and ticks.
 */
async function drain(control: Control, workerd: Supervised): Promise<boolean> {
  const deadline = Date.now() + DRAIN_MILLIS
  const isBusy = () =>
    control.drain().then(
      (underWay) => underWay > 0,
      () => workerd.controlPort() !== undefined,
    )
  while ((await isBusy()) && Date.now() < deadline) await sleep(50)
  return workerd.stop(Math.max(deadline - Date.now(), 1_000))
}

function readDatabaseUrl(state: string): string {
  const text = process.env[`${state.toUpperCase()}_DATABASE_URL`] ?? process.env.DATABASE_URL
  if (!text) throw new ProgramFailure('set DATABASE_URL to your PostgreSQL database: postgresql://user:password@host/database')
  const isGood = URL.canParse(text) && /^postgres(ql)?:$/.test(new URL(text).protocol) && new URL(text).pathname.length > 1
  if (!isGood) throw new ProgramFailure('DATABASE_URL must look like postgresql://user:password@host/database')
  return text
}

/** Resolves when a signal asks this process to end. A second signal ends it at once. */
function untilSignalled(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => {
        resolve()
        process.once(signal, () => process.exit(1))
      })
    }
  })
}
