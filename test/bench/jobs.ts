import pg from 'pg'
import { createDatabase, type Database } from '../../src/db/client.ts'
import { runners } from '../../src/house.ts'
import type { ClaimedJob, JobScope } from '../../src/jobs/job.ts'

/** What measurements of background jobs share. */

/** A figure, and what it should be. */
export interface AimedRow {
  what: string
  figure: string
  aim: string
  holds: boolean
}

/** The figures as a table in Markdown. */
export const tableOf = (rows: readonly AimedRow[]): string =>
  [
    '| what | figure | aim | holds |',
    '|---|---|---|---|',
    ...rows.map(({ what, figure, aim, holds }) => `| ${what} | ${figure} | ${aim} | ${holds ? 'yes' : '**no**'} |`),
  ].join('\n')

export const withClient = async <Result>(url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** Records a job that looks as if a consumer had just claimed it. */
export const claimed = (client: pg.Client, kind: string, payload: unknown, now: string): Promise<ClaimedJob> =>
  client
    .query(
      `insert into job (kind, payload, state, attempts, started_at, due_at) values ($1, $2, 'running', 1, $3, $3) returning id, kind, payload, attempts, interrupted`,
      [kind, JSON.stringify(payload), now],
    )
    .then(({ rows }) => ({ ...rows[0], id: Number(rows[0].id) }))

export const connect = (url: string, endpoint: string) =>
  createDatabase({ DATABASE_URL: url, NEON_FETCH_ENDPOINT: endpoint } as never, {
    tripMillis: 60_000,
  })

export const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}

/** Runs a claimed job  as the consumer does. */
export const sweep = (db: Database, job: ClaimedJob, now: string) =>
  runners[job.kind]?.(job, { db, now, clock: () => now } as JobScope) ?? Promise.reject(new Error(job.kind))
