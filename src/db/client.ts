import { NeonDbError, type NeonQueryFunction, neon, neonConfig } from '@neondatabase/serverless'
import type { SQL } from 'drizzle-orm'
import { drizzle, type NeonHttpDatabase } from 'drizzle-orm/neon-http'
import type { z } from 'zod'
import { once } from '../core/once.ts'
import { type Application, named } from './applications.ts'
import { BrokenAnswer, isLostRace } from './failures.ts'
import { bind, keep, prepare, type Statement } from './statement.ts'

/** One round trip to the database. */
export interface Trip {
  statements: string[]
  /** The start, in milliseconds since 1970. */
  begunMillis: number
  millis: number
  /** The number of returned rows. */
  rows: number
  /** True if the database returned an error, or no answer. */
  failed: boolean
}

/** The totals of the round trips: number of statements, and milliseconds. */
export const sumTrips = (trips: readonly Trip[]) => ({
  sql_count: trips.reduce((sum, { statements }) => sum + statements.length, 0),
  sql_ms: trips.reduce((sum, { millis }) => sum + millis, 0),
})

/** Where the database is: a connection string, and the HTTP endpoint if it is not Neon's own. */
export interface DatabaseSettings {
  DATABASE_URL: string
  NEON_FETCH_ENDPOINT?: string | undefined
}

/**
 * The database of one request or one job. Which of the four to use:
 * - `orm` for a list or a row of one table with varying filters: drizzle writes the statement;
 * - `rows` for our own SQL (hot calls, CTEs, functions): `prepare` renders such a statement only once;
 * - `read` for one wide row that PostgreSQL returns as JSON: it costs the least;
 * - `transaction` if a later statement must see what an earlier one wrote or waited for.
 * Each is one round trip.
 */
export interface Database {
  /** drizzle's query builder, for single-table work. */
  readonly orm: NeonHttpDatabase
  /** Runs one statement and reads each of its rows with `row` (see rows.ts); `values` fill its placeholders. */
  rows<Row>(statement: SQL | Statement, row: z.ZodType<Row>, values?: Record<string, unknown>): Promise<Row[]>
  /** The same for rows that are one JSON column each (see json-list.ts and call.ts). */
  read<Row>(statement: Statement, read: (row: Record<string, unknown>) => Row, values: Record<string, unknown>): Promise<Row[]>
  /** Runs the statements as one transaction in one round trip; returns the rows of the last one. */
  transaction<Row>(statements: SQL[], row: z.ZodType<Row>): Promise<Row[]>
  /** The round trips made so far, in order. */
  readonly trips: Trip[]
}

/** The limit for all round trips of a request together: the Python SDK waits ten seconds for an answer. */
const TIMEOUT_MILLIS = 8_000
/** PostgreSQL rolls back a deadlock or a serialization failure, so repeating the statement is safe. */
const MAX_TRIES = 4

/**
 * Values stay the text that PostgreSQL sends: bigint, timestamptz and jsonb would lose digits in JavaScript's types.
 * Columns (columns.ts) and row schemas (rows.ts) read them. Only booleans are read here, because drizzle expects it.
 */
const BOOLEAN_OID = 16
const AS_TEXT = { getTypeParser: (oid: number) => (oid === BOOLEAN_OID ? (text: string) => text === 't' : (text: string) => text) }

const connectionStrings = keep<string>()

/** Made once for each database and kind of work: parsing a URL costs each request. */
const connectionStringOf = ({ DATABASE_URL }: DatabaseSettings, application?: Application): string =>
  connectionStrings(`${application} ${DATABASE_URL}`, () => named(DATABASE_URL, application))

/** The driver's result of one statement. */
interface Answered {
  rows: unknown[]
}

/**
 * The database of one request or one job. It holds no connection: each statement is one HTTP request to Neon. All round
 * trips together may take eight seconds; with `tripMillis`, each round trip may take that long. `application` says what the work is.
 */
export const createDatabase = (
  settings: DatabaseSettings,
  { tripMillis, application }: { tripMillis?: number; application?: Application } = {},
): Database => {
  // The driver reads the endpoint from a global variable; it is the same for every request of a deployment.
  if (settings.NEON_FETCH_ENDPOINT) neonConfig.fetchEndpoint = settings.NEON_FETCH_ENDPOINT
  const client = neon<false, true>(connectionStringOf(settings, application), { fullResults: true })
  const deadline = tripMillis === undefined ? once(() => AbortSignal.timeout(TIMEOUT_MILLIS)) : () => AbortSignal.timeout(tripMillis)
  const trips: Trip[] = []

  const trip = async <Result extends Answered | Answered[]>(statements: string[], send: () => Promise<Result>): Promise<Result> => {
    for (let tries = 1; ; tries += 1) {
      const begun = Date.now()
      const record: Trip = { statements, begunMillis: begun, millis: 0, rows: 0, failed: false }
      trips.push(record)
      try {
        const answered = await send()
        record.rows = [answered].flat().reduce((sum, { rows }) => sum + rows.length, 0)
        return answered
      } catch (error) {
        record.failed = true
        if (!(error instanceof NeonDbError)) throw new BrokenAnswer('the database did not answer with a result', { cause: error })
        if (tries >= MAX_TRIES || !isLostRace(error)) throw error
      } finally {
        record.millis = Date.now() - begun
      }
    }
  }

  const query = (text: string, params: unknown[] = [], options: { arrayMode?: boolean } = {}) =>
    trip([text], () =>
      client.query(text, params, {
        arrayMode: options.arrayMode ?? false,
        fullResults: true,
        types: AS_TEXT,
        fetchOptions: { signal: deadline() },
      } as never),
    )

  const run = async (statement: SQL | Statement, values: Record<string, unknown> = {}) => {
    const prepared = 'text' in statement ? statement : prepare(statement)
    return (await query(prepared.text, bind(prepared, values))).rows as Record<string, unknown>[]
  }

  const orm = once(() => drizzle({ client: { query } as unknown as NeonQueryFunction<boolean, boolean> }))

  return {
    trips,
    get orm() {
      return orm()
    },
    rows: async (statement, row, values) => (await run(statement, values)).map((found) => row.parse(found)),
    read: async (statement, read, values) => (await run(statement, values)).map(read),
    transaction: async (statements, row) => {
      const queries = statements.map(prepare)
      const results = await trip(
        queries.map(({ text }) => text),
        () =>
          client.transaction(
            queries.map(({ text, params }) => client.query(text, params, { types: AS_TEXT } as never)),
            { fetchOptions: { signal: deadline() } },
          ),
      )
      return (results.at(-1)?.rows ?? []).map((found) => row.parse(found))
    },
  }
}
