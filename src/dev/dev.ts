import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeBase64 } from '../core/base64.ts'
import { CRONS } from '../jobs/crons.ts'
import { fireByPath, startTicking } from '../server/cron.ts'
import { copyAssets } from '../tools/assets.ts'
import { ProgramFailure, runProgram } from '../tools/failure.ts'
import { migrate } from '../tools/migrate.ts'
import { DEFAULT_PORT, readPort, settingsIn } from '../tools/settings.ts'
import { startOwnEndpoint } from './neon-endpoint.ts'
import { developmentFolder, startPostgres } from './postgres.ts'

/** The line that wrangler logs for a request. */
const WRANGLER_REQUEST = /^\[wrangler:\w+\] [A-Z]+ \S+ \d{3} /

/**
 * wrangler 4.124 ends with an empty message when a client breaks a connection at the wrong moment (cloudflare/workers-sdk#15317).
 * So it is started again, but not more often than this in a minute.
 */
const MAX_RESTARTS = 3

/** `npm run dev` starts the database, migrates it, and starts the Neon endpoint, the worker and the crons. Ctrl-C stops everything. */
await runProgram(async () => {
  const port = await readPort('dev')

  // How to stop what has started, newest last. The newest stops first: nothing outlives what it needs.
  const started: (() => Promise<void>)[] = []
  const stopAll = async () => {
    for (const stop of started.splice(0).reverse()) await stop()
  }
  const interrupted = new Promise<'interrupted'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve('interrupted'))
  })

  try {
    const given = process.env.DEV_DATABASE_URL
    const postgres = given ? undefined : await startPostgres(developmentFolder(), { durable: true })
    if (postgres) started.push(postgres.stop)
    const databaseUrl = given ?? postgres?.url ?? ''
    await migrate(databaseUrl)
    const endpoint = await startOwnEndpoint(databaseUrl)
    started.push(endpoint.close)
    copyAssets()

    const settingsFile = writeSettings({
      WATCHER_ENCRYPTION_KEY: ownEncryptionKey(),
      WATCHER_PUBLIC_URL: `http://localhost:${port}`,
      ...settingsIn(process.env, 'dev'),
      ...endpoint.settings,
    })
    started.push(async () => rmSync(dirname(settingsFile), { recursive: true, force: true }))
    let worker = startWorker(port, settingsFile)
    started.push(() => stopGroup(worker))
    let ended = endOf(worker)
    const ready = untilServing(port)
    const first = await Promise.race([interrupted, ended, ready])
    if (first === 'ready') {
      started.push(startTicking(fireByPath(port), Object.values(CRONS), { catchesUp: true }))
      console.log(`
  API        http://localhost:${port}         docs at http://localhost:${port}/scalar
  database   ${databaseUrl.replace(/:[^:@/]+@/, ':…@')}
  data       ${postgres ? `${postgres.folder} (the database's password is in the file password)` : 'on the server in DEV_DATABASE_URL'}
  cron       fires as in production (UTC; wrangler's warning does not hold here): ${Object.values(CRONS).join(' · ')}
  Ctrl-C stops everything; the data stays. Try: ${port === DEFAULT_PORT ? '' : `PORT=${port} `}npm run demo
`)
    }
    for (const restarts: number[] = []; ; restarts.push(Date.now())) {
      const last = await Promise.race([interrupted, ended])
      if (last === 'interrupted') break
      const recent = restarts.filter((at) => at > Date.now() - 60_000).length
      if (first !== 'ready' || recent >= MAX_RESTARTS) {
        throw new ProgramFailure(`wrangler dev ended by itself (exit code ${last}): see its message above`)
      }
      console.error(`watcher: wrangler dev ended by itself (exit code ${last}); it is started again`)
      killGroup(worker)
      worker = startWorker(port, settingsFile)
      ended = endOf(worker)
    }
  } finally {
    await stopAll()
  }
  process.exit(0)
})

function endOf(worker: ChildProcess): Promise<number> {
  return new Promise((resolve) => worker.once('exit', (code) => resolve(code ?? 1)))
}

/** Ends what a wrangler that is gone has left: its workerd would keep the port. */
function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // nothing is left
  }
}

/**
 * Starts `wrangler dev`. The worker gets the settings of our own environment (`WATCHER_…=true npm run dev`) from a file that only
 * we may read: every user of this machine can list a process's arguments.
 */
function startWorker(port: number, settingsFile: string): ChildProcess {
  const worker = spawn(
    process.execPath,
    [fileOf('wrangler'), 'dev', '--ip=127.0.0.1', `--port=${port}`, '--show-interactive-dev-session=false', `--env-file=${settingsFile}`],
    {
      cwd: dirname(dirname(import.meta.dirname)),
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false', WRANGLER_LOG: 'log' },
    },
  )
  // The worker logs one line per request; wrangler's own line would be a second one.
  createInterface({ input: worker.stdout }).on('line', (line) => {
    if (!WRANGLER_REQUEST.test(line)) console.log(line)
  })
  return worker
}

/** The key that encrypts the secrets of channels on this machine. It is made at the first start, and only we may read it. */
function ownEncryptionKey(): string {
  const file = join(dirname(dirname(import.meta.dirname)), '.local', 'encryption-key')
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, encodeBase64(randomBytes(32)), { mode: 0o600 })
  }
  return readFileSync(file, 'utf8')
}

/** Writes a new dotenv file that only we may read. Answers its path. */
function writeSettings(settings: Record<string, string>): string {
  const lines = Object.entries(settings).map(([name, value]) => {
    const quote = ["'", '"', '`'].find((mark) => !value.includes(mark))
    if (quote === undefined) throw new ProgramFailure(`${name} must not contain all three quotes ' " and \``)
    return `${name}=${quote}${value}${quote}\n`
  })
  const file = join(mkdtempSync(join(tmpdir(), 'watcher-dev-')), 'settings.env')
  writeFileSync(file, lines.join(''), { mode: 0o600 })
  return file
}

function fileOf(packageName: string): string {
  return new URL('../bin/wrangler.js', import.meta.resolve(packageName)).pathname
}

async function untilServing(port: number): Promise<'ready'> {
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined)
    if (answer?.ok) return 'ready'
    await sleep(100)
  }
}

/** Stops wrangler and the workerd processes that it has started. */
async function stopGroup(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const group = -child.pid
  const ended = new Promise((resolve) => child.once('exit', resolve))
  process.kill(group, 'SIGTERM')
  const killer = setTimeout(() => process.kill(group, 'SIGKILL'), 4_000)
  await ended
  clearTimeout(killer)
}
