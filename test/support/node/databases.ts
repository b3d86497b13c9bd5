import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { startPostgres } from '../../../src/dev/postgres.ts'

/** Runs one statement, or several without parameters, on a connection of its own. */
export const query = async (url: string, text: string, params: unknown[] = []): Promise<Record<string, unknown>[]> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text, params)).rows
  } finally {
    await client.end()
  }
}

/** A PostgreSQL server for the tests of one file. */
export const startDatabases = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'watcher-databases-'))
  const server = await startPostgres(join(folder, 'data'), { durable: false })
  let made = 0
  return {
    folder,
    /** Creates an empty database; answers its URL. */
    create: async (): Promise<string> => {
      made += 1
      await query(server.url, `create database made_${made}`)
      const url = new URL(server.url)
      url.pathname = `/made_${made}`
      return url.href
    },
    stop: async (): Promise<void> => {
      await server.stop()
      for (const used of [folder, server.folder]) rmSync(used, { recursive: true, force: true })
    },
  }
}
