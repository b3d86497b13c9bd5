import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import pg from 'pg'
import { CRONS } from '../jobs/crons.ts'
import { ProgramFailure, runProgram } from './failure.ts'
import { readFunctions } from './functions.ts'

export const MIGRATIONS = join(import.meta.dirname, '..', '..', 'migrations')

/** How many migrations were applied and functions created. */
export interface Migrated {
  migrations: number
  functions: number
}

/**
 * Brings a database to this version. First it applies every entry of the journal whose hash is not recorded, in the journal's
 * order, also an entry that was merged after a newer one; then it creates every missing SQL function, callees first. All of it is
 * one transaction under one lock: of two calls at once, the second waits and finds nothing to do; after a failure the database is
 * unchanged. drizzle-kit's own table records the migrations (`drizzle.__drizzle_migrations`).
 */
export const migrate = (databaseUrl: string, folder = MIGRATIONS): Promise<Migrated> =>
  underLock(databaseUrl, async (client) => {
    await client.query('CREATE SCHEMA IF NOT EXISTS drizzle')
    await client.query(
      'CREATE TABLE IF NOT EXISTS drizzle.__drizzle_migrations (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint)',
    )
    const migrations = await findDueMigrations(client, folder)
    for (const { sql, hash, folderMillis } of migrations) {
      for (const statement of sql) await client.query(statement)
      await client.query('INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ($1, $2)', [hash, folderMillis])
    }
    // From now on each cron must fire: see cron_tick.
    await client.query(
      'INSERT INTO cron_tick (cron, due_at, came_at) SELECT cron, now(), now() FROM unnest($1::text[]) cron ON CONFLICT DO NOTHING',
      [Object.values(CRONS)],
    )
    return { migrations: migrations.length, functions: await createFunctions(client) }
  })

/** Between the statements of a migration, as drizzle-kit writes it. */
const BREAKPOINT = '--> statement-breakpoint'

/**
 * The journal's entries, in its order. A hash is that of drizzle-kit (SHA-256 of the file), but a checkout with other line
 * ends (Git on Windows) has the same.
 */
export const readMigrations = (folder = MIGRATIONS) =>
  readMigrationFiles({ migrationsFolder: folder }).map((migration) => ({
    ...migration,
    hash: createHash('sha256').update(migration.sql.join(BREAKPOINT).replaceAll('\r\n', '\n')).digest('hex'),
  }))

/** The entries of the journal that this database has not recorded, in the journal's order. */
export const findDueMigrations = async (client: pg.Client, folder = MIGRATIONS) => {
  const { rows } = await client.query<{ hash: string }>('SELECT hash FROM drizzle.__drizzle_migrations')
  const recorded = new Set(rows.map(({ hash }) => hash))
  return readMigrations(folder).filter(({ hash }) => !recorded.has(hash))
}

/** The functions of this checkout that the database lacks, callees first. */
export const findMissingFunctions = async (client: pg.Client) => {
  const functions = readFunctions()
  const { rows } = await client.query<{ name: string }>(
    'SELECT proname AS name FROM pg_proc WHERE proname = ANY ($1) AND pronamespace = current_schema()::regnamespace',
    [functions.map(({ hashedName }) => hashedName)],
  )
  const present = new Set(rows.map(({ name }) => name))
  return functions.filter(({ hashedName }) => !present.has(hashedName))
}

const createFunctions = async (client: pg.Client): Promise<number> => {
  const missing = await findMissingFunctions(client)
  for (const { sql } of missing) await client.query(sql)
  // Workers of the version before run until this one is deployed: what the migrate before wanted is wanted until now. It is
  // put just before now, so that the next migrate does not take it for wanted by this one.
  await client.query(
    `UPDATE sql_function SET last_wanted_at = now() - interval '1 microsecond'
     WHERE last_wanted_at = (SELECT max(last_wanted_at) FROM sql_function)`,
  )
  await client.query(
    `INSERT INTO sql_function (name, last_wanted_at) SELECT name, now() FROM unnest($1::text[]) name
     ON CONFLICT (name) DO UPDATE SET last_wanted_at = excluded.last_wanted_at`,
    [readFunctions().map(({ hashedName }) => hashedName)],
  )
  return missing.length
}

/**
 * Drops the functions that this checkout lacks and that a later version replaced more than `olderThanDays` days ago: its
 * `migrate` was the first that did not want them. A rollback to their version after that needs a new `migrate`. Answers their names.
 */
export const pruneFunctions = (databaseUrl: string, olderThanDays: number): Promise<string[]> =>
  underLock(databaseUrl, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `DELETE FROM sql_function WHERE name <> ALL ($1) AND last_wanted_at < now() - make_interval(days => $2) RETURNING name`,
      [readFunctions().map(({ hashedName }) => hashedName), olderThanDays],
    )
    for (const { name } of rows) await client.query(`DROP FUNCTION IF EXISTS ${pg.escapeIdentifier(name)}`)
    return rows.map(({ name }) => name)
  })

/** Does the work in one transaction. Waits while another process does the same. */
const underLock = async <Result>(databaseUrl: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> => {
  const client = new pg.Client({ connectionString: databaseUrl })
  try {
    await client.connect()
  } catch (error) {
    const { host, pathname } = new URL(databaseUrl)
    throw new ProgramFailure(`no connection to the database ${pathname.slice(1)} at ${host}: ${(error as Error).message || 'refused'}`)
  }
  try {
    await client.query('BEGIN')
    // A lock of the transaction also holds through a connection pooler.
    await client.query(`SELECT pg_advisory_xact_lock(hashtextextended('watcher migrations', 0))`)
    const result = await work(client)
    await client.query('COMMIT')
    return result
  } finally {
    await client.end()
  }
}

const USAGE = 'npm run db:migrate, or npm run db:migrate -- --prune --older-than 30d'

const readOptions = (): { prune: boolean; days: number } => {
  try {
    const { values } = parseArgs({
      options: { prune: { type: 'boolean', default: false }, 'older-than': { type: 'string', default: '30d' } },
    })
    const days = /^(\d{1,5})d$/.exec(values['older-than'])?.[1]
    if (days === undefined) throw new Error('--older-than takes days, like 30d')
    return { prune: values.prune, days: Number(days) }
  } catch (error) {
    throw new ProgramFailure(`${(error as Error).message}; use ${USAGE}`)
  }
}

if (import.meta.main) {
  await runProgram(async () => {
    const databaseUrl = process.env.DATABASE_URL
    if (!databaseUrl)
      throw new ProgramFailure('set DATABASE_URL to the database to migrate, for example the connection string that Neon shows')
    const { prune, days } = readOptions()
    const { migrations, functions } = await migrate(databaseUrl)
    const nothing = migrations === 0 && functions === 0
    console.log(nothing ? 'The database is up to date.' : `Applied ${migrations} migration(s), created ${functions} function(s).`)
    if (!prune) return
    const dropped = await pruneFunctions(databaseUrl, days)
    console.log(dropped.length === 0 ? 'No function to drop.' : `Dropped ${dropped.join(', ')}.`)
  })
}
