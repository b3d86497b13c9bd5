import { fillPlaceholders, Placeholder, type SQL, sql } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'

/**
 * A statement that is rendered once. drizzle takes longer to turn a query into text than PostgreSQL takes to run it, so
 * hot paths render each shape of a statement once and only fill in the values at each call.
 */
export interface Statement {
  text: string
  params: unknown[]
}

const dialect = new PgDialect()

/** Renders a query. Its values are constants, or placeholders (`param`) that each call fills. */
export const prepare = (query: SQL): Statement => {
  const { sql: text, params } = dialect.sqlToQuery(query)
  return { text, params }
}

/** A placeholder: each call gives its value by this name. */
export const param = (name: string): SQL => sql`${sql.placeholder(name)}`

/** The parameters of one call. Every placeholder needs a value; null is a value. */
export const bind = ({ params }: Statement, values: Record<string, unknown>): unknown[] =>
  params.some((value) => value instanceof Placeholder) ? fillPlaceholders(params, values) : params

const MAX_SHAPES = 500

/**
 * Makes a cache by key, mostly for statements whose text depends on the given fields. Clients choose the fields, so the cache is
 * bounded: when it is full, it is emptied.
 */
export const keep = <Made>(): ((key: string, make: () => Made) => Made) => {
  const kept = new Map<string, Made>()
  return (key, make) => {
    const known = kept.get(key)
    if (known !== undefined) return known
    if (kept.size >= MAX_SHAPES) kept.clear()
    const made = make()
    kept.set(key, made)
    return made
  }
}
