import { createHash } from 'node:crypto'
import pg from 'pg'
import { ProgramFailure } from '../failure.ts'

/** The database of an original Watcher, open in one read-only snapshot. */
export interface Source {
  client: pg.Client
  /** True if the original's table has the column: its schemas differ by that. */
  has: (table: string, column: string) => boolean
  /** Which of the original's schemas it is, in words. */
  version: string
  /** The same for each import from this database, however it is reached. */
  identity: string
}

/** Opens the database and finds out which schema it has. Throws ProgramFailure if it cannot be reached, or is not an original Watcher's. */
export const openSource = async (url: string): Promise<Source> => {
  const client = await connect(url, 'the database to import from')
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const { rows } = await client.query<{ name: string }>(
      `SELECT table_name || '.' || column_name AS name FROM information_schema.columns WHERE table_schema = current_schema()`,
    )
    const columns = new Set(rows.map(({ name }) => name))
    const has = (table: string, column: string) => columns.has(`${table}.${column}`)
    if (has('pipeline', 'config_hash'))
      throw new ProgramFailure('--from names a database of this Watcher: import reads the database of the original')
    const missing = ['pipeline_type.name', 'pipeline.pipeline_type_id', 'pipeline_execution.hour_recorded', 'address.address_type_id'].find(
      (column) => !columns.has(column),
    )
    if (missing) throw new ProgramFailure(`--from names no database of a Watcher: it has no column ${missing}`)
    return { client, has, version: await versionOf(client, has), identity: await identityOf(client) }
  } catch (error) {
    await client.end()
    throw error
  }
}

/** A connection. Throws ProgramFailure, without the password, if there is none. */
export const connect = async (url: string, what: string): Promise<pg.Client> => {
  if (!URL.canParse(url)) throw new ProgramFailure(`the address of ${what} is not like postgresql://user:password@host/database`)
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  // Without a listener the loss of an idle connection would end the process without a word; the next query reports it.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    throw new ProgramFailure(`no connection to ${what} (${new URL(url).host}): ${(error as Error).message || 'refused'}`)
  }
  return client
}

const versionOf = async (client: pg.Client, has: Source['has']): Promise<string> => {
  const { rows } = has('alembic_version', 'version_num')
    ? await client.query<{ version: string }>('SELECT max(version_num) AS version FROM alembic_version')
    : { rows: [] }
  const schema = has('pipeline', 'input_hash') ? 'the latest schema' : 'the first schema'
  return rows[0]?.version ? `${schema}, migration ${rows[0].version}` : schema
}

/** Ids and times of creation of the first pipelines: what no rename changes. */
const identityOf = async (client: pg.Client): Promise<string> => {
  const { rows } = await client.query<{ first: string | null }>(
    `SELECT string_agg(id || ' ' || extract(epoch FROM created_at), ',' ORDER BY id) AS first FROM (SELECT id, created_at FROM pipeline ORDER BY id LIMIT 3) p`,
  )
  return createHash('sha256')
    .update(rows[0]?.first ?? '')
    .digest('hex')
}
