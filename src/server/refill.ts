import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { newMessage } from './broker.ts'
import type { Queue } from './queue.ts'

const PAGE = 5_000
/** The next page is read when fewer messages wait: a backlog of a million jobs needs little memory. */
const LOW_WATER = 1_000
const POLL_MILLIS = 500

/**
 * Fills the queue with the jobs that are open now: the messages of an earlier process ended with it. A job that waits, or that
 * a dead worker still claims, gets its message when it is due. Resolves when all are in the queue, or when `isStopping`. If the
 * database goes away meanwhile, it goes on when the database is back. A job that another process runs too is run once.
 */
export const refillQueue = async (databaseUrl: string, queue: Queue, isStopping: () => boolean): Promise<number> => {
  let count = 0
  let after = '0'
  let last: string | undefined
  while (!isStopping()) {
    try {
      const page = await readOpenJobs(databaseUrl, after, last)
      last ??= page.last
      for (const { id, wait } of page.jobs) queue.add(newMessage({ id: Number(id) }), Math.max(0, Number(wait)))
      count += page.jobs.length
      if (page.jobs.length < PAGE) return count
      after = page.jobs.at(-1)?.id ?? after
    } catch (error) {
      console.error(`watcher: the open jobs could not be read (${(error as Error).message}); trying again`)
      await sleep(5_000)
    }
    while (queue.size > LOW_WATER && !isStopping()) await sleep(POLL_MILLIS)
  }
  return count
}

/** Open jobs after this id, up to `last`: younger jobs send their own message. */
const readOpenJobs = async (databaseUrl: string, after: string, last: string | undefined) => {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000 })
  client.on('error', () => {}) // the statement that is under way fails with it
  await client.connect()
  try {
    const end = last ?? String((await client.query('select coalesce(max(id), 0) as id from job')).rows[0].id)
    const { rows } = await client.query<{ id: string; wait: string }>(
      `select id, extract(epoch from due_at - now()) as wait from job
       where state in ('waiting', 'running') and id > $1 and id <= $2 order by id limit ${PAGE}`,
      [after, end],
    )
    return { last: end, jobs: rows }
  } finally {
    await client.end().catch(() => {})
  }
}
