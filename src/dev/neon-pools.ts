import type { ServerResponse } from 'node:http'
import pg from 'pg'
import { JOBS, PAGES } from '../db/applications.ts'
import { Refusal } from './local-server.ts'
import { createShare } from './share.ts'

const POOL_SIZE = 40
/**
 * How many connections each kind of work may use at once. The worker names the kind as its `application_name` (see
 * db/client.ts). Pages, reports and jobs may be slow; starts and ends of runs always find a connection.
 */
const SHARES: Record<string, number> = { [PAGES]: POOL_SIZE / 4, [JOBS]: POOL_SIZE / 2 }

interface Pools {
  work: pg.Pool
  cancel: pg.Pool
  shares: Map<string, ReturnType<typeof createShare>>
}

const createPool = (connectionString: string, max: number): pg.Pool => {
  const pool = new pg.Pool({
    connectionString,
    max,
    idleTimeoutMillis: 5_000,
    connectionTimeoutMillis: 5_000,
    allowExitOnIdle: true,
    options: '-c TimeZone=UTC',
  })
  pool.on('error', () => {}) // an idle connection has broken: the next request opens a new one
  // A stopping server sends an error to every connection, also to one that is being closed. Without a listener for its
  // whole life that error would end this process.
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

/** The connections to each database of one server. */
export const createPools = (databaseUrl: string) => {
  const pools = new Map<string, Pools>()
  const poolsOf = (database: string): Pools => {
    const known = pools.get(database)
    if (known) return known
    const url = new URL(databaseUrl)
    url.pathname = `/${encodeURIComponent(database)}`
    const made = {
      work: createPool(url.href, POOL_SIZE),
      // Of its own: a statement must be cancelled just when all other connections are in use.
      cancel: createPool(url.href, 1),
      shares: new Map(Object.entries(SHARES).map(([name, size]) => [name, createShare(size)])),
    }
    pools.set(database, made)
    return made
  }

  return {
    /** Runs the work on a connection of its own, when it is the turn of this kind of work (`application`). */
    run: <T>(database: string, application: string, response: ServerResponse, work: (client: pg.PoolClient) => Promise<T>) =>
      runCancellable(poolsOf(database), application, response, work),
    end: async () => {
      await Promise.all([...pools.values()].flatMap(({ work, cancel }) => [work.end(), cancel.end()]))
    },
  }
}

/** Runs the work on its own connection. If the client disconnects first, the running statement is cancelled. */
const runCancellable = async <T>(
  pools: Pools,
  application: string,
  response: ServerResponse,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> => {
  const giveBack = await takeTurn(pools, application)
  try {
    if (response.destroyed) throw new Refusal(500, 'the client has disconnected') // while it waited
    const client = await connect(pools.work)
    const { processID } = client as unknown as { processID: number }
    let gone = false
    const cancel = () => {
      if (response.writableEnded) return
      gone = true
      pools.cancel.query('select pg_cancel_backend($1)', [processID]).catch(() => {})
    }
    response.once('close', cancel)
    try {
      return await work(client)
    } finally {
      response.off('close', cancel)
      client.release(gone) // a cancel may still be in flight: never reuse that connection
    }
  } finally {
    giveBack()
  }
}

const takeTurn = async ({ shares }: Pools, application: string): Promise<() => void> => {
  try {
    return (await shares.get(application)?.take()) ?? (() => {})
  } catch (error) {
    throw new Refusal(500, (error as Error).message)
  }
}

const connect = async (pool: pg.Pool): Promise<pg.PoolClient> => {
  try {
    return await pool.connect()
  } catch (error) {
    if ((error as pg.DatabaseError).code === '3D000') throw error // "database does not exist" is passed on as PostgreSQL's error
    throw new Refusal(500, `Couldn't connect to compute node: ${(error as Error).message}`)
  }
}
