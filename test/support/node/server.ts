import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { expect, vi } from 'vitest'
import { freePort, type PostgresServer, startPostgres } from '../../../src/dev/postgres.ts'
import { migrate } from '../../../src/tools/migrate.ts'
import { childNamed } from './processes.ts'

const ROOT = join(import.meta.dirname, '../../..')
export const DOCKERFILE = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')
/** The command of the image, and of `npm start` after the build. */
export const [, ...COMMAND] = JSON.parse(/^CMD (\[.*\])$/m.exec(DOCKERFILE)?.[1] ?? '[]') as string[]

export const HEADERS = { authorization: 'Bearer of-tests', 'content-type': 'application/json' }

/** `npm start` in a process group of its own, as a terminal's Ctrl-C signals one. */
export interface Server {
  child: ChildProcess
  url: string
  output: () => string
  ended: Promise<number | null>
  post: (path: string, body?: unknown) => Promise<Response>
}

/** A PostgreSQL, and servers in front of it. */
export interface Setup {
  postgres: PostgresServer
  client: pg.Client
  count: (from: string) => Promise<number>
  /** Starts a server; it may not come up. */
  launch: (settings?: Record<string, string>) => Promise<Server>
  /** Starts a server and waits until it serves. */
  serve: (settings?: Record<string, string>) => Promise<Server>
  /** Empties the tables: the open jobs of one test are not those of the next. */
  clear: () => Promise<void>
  killServers: () => void
  close: () => Promise<void>
}

/** Builds the production bundle that `npm start` serves. */
export const buildBundle = (): void => {
  execFileSync('npm', ['run', '--silent', 'build:production'], { cwd: ROOT, stdio: 'ignore' })
}

/** Starts a PostgreSQL for servers of a bundle that is built already. */
export const openSetup = async (): Promise<Setup> => {
  const folder = mkdtempSync(join(tmpdir(), 'watcher-start-'))
  const postgres = await startPostgres(folder, { durable: false })
  const client = new pg.Client({ connectionString: postgres.url })
  client.on('error', () => {}) // a test may stop the database
  await client.connect()
  const running = new Set<ChildProcess>()

  const launch = async (settings: Record<string, string> = {}): Promise<Server> => {
    const port = settings.PORT ?? String(await freePort())
    const child = spawn(process.execPath, COMMAND, {
      cwd: ROOT,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, DATABASE_URL: postgres.url, WATCHER_API_TOKENS: 'tests:of-tests', PORT: port, ...settings },
    })
    running.add(child)
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    }
    const ended = new Promise<number | null>((resolve) =>
      child.once('exit', (code) => {
        running.delete(child)
        resolve(code)
      }),
    )
    const url = `http://127.0.0.1:${port}`
    const post = (path: string, body?: unknown) =>
      fetch(url + path, { method: 'POST', headers: HEADERS, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
    return { child, url, output: () => output, ended, post }
  }

  const killServers = (): void => {
    for (const child of running) process.kill(-(child.pid ?? 0), 'SIGKILL')
  }

  return {
    postgres,
    client,
    count: async (from) => Number((await client.query(`select count(*) as n from ${from}`)).rows[0].n),
    launch,
    serve: async (settings) => {
      const server = await launch(settings)
      await vi.waitFor(() => expect(server.output()).toContain('watcher: serving'), { timeout: 30_000, interval: 50 })
      return server
    },
    clear: async () => {
      await migrate(postgres.url)
      await client.query('truncate pipeline, pipeline_type, job restart identity cascade')
    },
    killServers,
    close: async () => {
      killServers()
      await client.end()
      await postgres.stop()
      for (const used of new Set([folder, postgres.folder])) rmSync(used, { recursive: true, force: true })
    },
  }
}

/** The ports on which a process listens, from /proc. */
export const portsOf = (pid: number): number[] => {
  const sockets = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1]
    } catch {
      return undefined // it was closed meanwhile
    }
  })
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)
  return lines.flatMap((line) => {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/)
    return state === '0A' && inode && sockets.includes(inode) ? [Number.parseInt(local?.split(':')[1] ?? '', 16)] : []
  })
}

/** The workerd of a server. */
export const workerdOf = ({ child }: Server): number => {
  const workerd = childNamed(child.pid ?? 0, 'workerd')
  if (workerd === undefined) throw new Error('no workerd runs')
  return workerd
}
