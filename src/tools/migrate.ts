import { join } from 'node:path'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import pg from 'pg'
import { LocalFailure, runProgram } from './failure.ts'

export const MIGRATIONS = join(import.meta.dirname, '..', '..', 'migrations')

/**
 * Brings a database to the newest migration and answers how many were applied. One transaction under one lock: two
 * runs at once take turns and the second finds nothing to do; a failing migration leaves the database as it was.
 * The record is drizzle-kit's own (`drizzle.__drizzle_migrations`).
 */
export const migrate = async (databaseUrl: string): Promise<number> => {
  const client = new pg.Client({ connectionString: databaseUrl })
  try {
    await client.connect()
  } catch (error) {
    const { host, pathname } = new URL(databaseUrl)
    throw new LocalFailure(`no connection to the database ${pathname.slice(1)} at ${host}: ${(error as Error).message || 'refused'}`)
  }
  try {
    await client.query('BEGIN')
    // Transaction-scoped, so that it also holds through a connection pooler.
    await client.query(`SELECT pg_advisory_xact_lock(hashtextextended('watcher migrations', 0))`)
    await client.query('CREATE SCHEMA IF NOT EXISTS drizzle')
    await client.query(
      'CREATE TABLE IF NOT EXISTS drizzle.__drizzle_migrations (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint)',
    )
    const { rows } = await client.query<{ newest: string | null }>('SELECT max(created_at) AS newest FROM drizzle.__drizzle_migrations')
    const newest = Number(rows[0]?.newest ?? -1)
    const due = readMigrationFiles({ migrationsFolder: MIGRATIONS }).filter(({ folderMillis }) => folderMillis > newest)
    for (const { sql, hash, folderMillis } of due) {
      for (const statement of sql) await client.query(statement)
      await client.query('INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ($1, $2)', [hash, folderMillis])
    }
    await client.query('COMMIT')
    return due.length
  } finally {
    await client.end()
  }
}

if (import.meta.main) {
  await runProgram(async () => {
    const databaseUrl = process.env.DATABASE_URL
    if (!databaseUrl) throw new LocalFailure('set DATABASE_URL to the database to migrate, e.g. the connection string that Neon shows')
    const applied = await migrate(databaseUrl)
    console.log(applied === 0 ? 'The database is up to date.' : `Applied ${applied} migration(s).`)
  })
}
