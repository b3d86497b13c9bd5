import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { ProgramFailure } from '../tools/failure.ts'
import { findPostgres, makeDataFolder, type PostgresFiles } from './postgres-files.ts'

export interface PostgresServer {
  /** For example `postgresql://postgres:password@127.0.0.1:40123/postgres`. */
  url: string
  folder: string
  /** The id of its process; the others are children of it. */
  pid: number
  stop(): Promise<void>
}

/** A test database may lose its data in a crash of the machine: it is deleted anyway. */
const EPHEMERAL = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']

/**
 * Starts our own PostgreSQL on a free loopback port, or on `port`, with its data in `folder`, which it creates on first use. A server
 * that a killed process has left running is stopped first. Throws ProgramFailure if a living process uses the folder.
 */
export const startPostgres = async (folder: string, options: { durable: boolean; port?: number }): Promise<PostgresServer> => {
  const files = findPostgres()
  const home = makeDataFolder(folder, files)
  const cluster = join(home, 'cluster')
  await stopOrphan(home, cluster)
  writeFileSync(join(home, RUNNER_FILE), String(process.pid))
  if (!existsSync(cluster)) initialise(files, home, cluster)
  const password = requirePassword(files, home, cluster)

  const port = options.port ?? (await freePort())
  const settings = ['unix_socket_directories=', 'listen_addresses=127.0.0.1', ...(options.durable ? [] : EPHEMERAL)]
  const server = spawn(
    join(files.bin, 'postgres'),
    ['-D', cluster, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
    // Its own process group: Ctrl-C does not reach it, so we can stop the database's users before it.
    { ...files.owner, cwd: '/', detached: true, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let log = ''
  server.stderr.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-10_000)
  })
  const interrupt = () => server.kill('SIGINT')
  process.once('exit', interrupt)

  const url = `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`
  await untilReady(server, url, () => brokenFolder(home, log))
  return {
    url,
    folder: home,
    pid: server.pid ?? 0,
    stop: async () => {
      process.off('exit', interrupt)
      await stopProcess(server)
      rmSync(join(home, RUNNER_FILE), { force: true })
    },
  }
}

/** Contains the id of the process that uses the folder: it distinguishes an orphaned server from one in use. */
const RUNNER_FILE = 'runner.pid'
const READY_SECONDS = 30
const STOP_SECONDS = 10

/** Creates the database in a second folder and renames it: an interrupted first start leaves no partial database. */
const initialise = (files: PostgresFiles, home: string, cluster: string): void => {
  const unexpected = readdirSync(home).filter((name) => ![RUNNER_FILE, PASSWORD_FILE, 'cluster.new'].includes(name))
  if (unexpected.length > 0) throw brokenFolder(home, `FATAL:  it contains ${unexpected[0]} but no database`)
  const fresh = `${cluster}.new`
  rmSync(fresh, { recursive: true, force: true })
  const { status, stderr } = spawnSync(
    join(files.bin, 'initdb'),
    ['-D', fresh, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale-provider=builtin', '--locale=C.UTF-8', '--no-sync'],
    { ...files.owner, cwd: '/', encoding: 'utf8' },
  )
  if (status !== 0) throw brokenFolder(home, stderr)
  renameSync(fresh, cluster)
}

/** The superuser's password, which only the user who started the database may read. */
const PASSWORD_FILE = 'password'

/**
 * Gives the superuser a password at the first start, before the server listens: every user of this machine reaches its port, and
 * a superuser of PostgreSQL can run programs. Also a database of an earlier version, which had none. Answers the password.
 */
const requirePassword = (files: PostgresFiles, home: string, cluster: string): string => {
  const file = join(home, PASSWORD_FILE)
  if (!existsSync(file)) writeFileSync(file, randomUUID(), { mode: 0o600 })
  const password = readFileSync(file, 'utf8')
  const access = join(cluster, 'pg_hba.conf')
  const rules = existsSync(access) ? readFileSync(access, 'utf8') : '' // without the file the server does not start, and says so
  if (!/^[^#\n]+\strust$/m.test(rules)) return password
  const { status, stderr } = spawnSync(join(files.bin, 'postgres'), ['--single', '-D', cluster, 'postgres'], {
    ...files.owner,
    cwd: '/',
    encoding: 'utf8',
    input: `alter user postgres password '${password}'\n`,
  })
  if (status !== 0) throw brokenFolder(home, stderr)
  writeFileSync(access, rules.replace(/^([^#\n]+\s)trust$/gm, '$1scram-sha-256'))
  return password
}

const brokenFolder = (folder: string, log: string): ProgramFailure => {
  const reason = log.match(/(?:FATAL|PANIC|error): +(.*)/)?.[1] ?? (log.trim().split('\n').at(-1) || 'it gave no reason')
  return new ProgramFailure(`the database in ${folder} does not start: ${reason}; remove that folder to start with an empty database`)
}

const stopOrphan = async (home: string, cluster: string): Promise<void> => {
  const runner = pidIn(join(home, RUNNER_FILE))
  if (runner !== undefined && runner !== process.pid && isAlive(runner)) {
    throw new ProgramFailure(
      `the database in ${home} is in use by process ${runner}: stop that process first, or choose another folder with DEV_DATA_FOLDER`,
    )
  }
  const postmaster = pidIn(join(cluster, 'postmaster.pid'))
  if (postmaster === undefined || !isAlive(postmaster)) return
  process.kill(postmaster, 'SIGINT')
  for (let waited = 0; isAlive(postmaster); waited += 50) {
    if (waited > STOP_SECONDS * 1000) throw new ProgramFailure(`process ${postmaster} still uses the database in ${home}: stop it first`)
    await sleep(50)
  }
}

const pidIn = (file: string): number | undefined => {
  try {
    return Number.parseInt(readFileSync(file, 'utf8'), 10) || undefined
  } catch {
    return undefined
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Answers a port that is free now. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })

const untilReady = async (server: ChildProcess, url: string, failure: () => ProgramFailure): Promise<void> => {
  const deadline = Date.now() + READY_SECONDS * 1000
  while (server.exitCode === null && Date.now() < deadline) {
    const client = new pg.Client({ connectionString: url })
    try {
      await client.connect()
      await client.end()
      return
    } catch {
      await sleep(20)
    }
  }
  await stopProcess(server)
  throw failure()
}

/** Fast shutdown: PostgreSQL ends all sessions and keeps everything committed. */
const stopProcess = async (server: ChildProcess): Promise<void> => {
  if (server.exitCode !== null || server.signalCode !== null) return
  const ended = new Promise((resolve) => server.once('exit', resolve))
  server.kill('SIGINT')
  const killer = setTimeout(() => server.kill('SIGKILL'), STOP_SECONDS * 1000)
  await ended
  clearTimeout(killer)
}

/** The folder of the database of `npm run dev`: DEV_DATA_FOLDER, or .local/postgresql in the project. */
export const developmentFolder = (): string =>
  resolve(process.env.DEV_DATA_FOLDER ?? join(dirname(dirname(import.meta.dirname)), '.local', 'postgresql'))
