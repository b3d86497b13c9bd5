import { type Column, fillPlaceholders, Placeholder, type SQL, sql } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'
import { formatInstant } from '../core/instant.ts'
import { parseJson } from '../core/json.ts'

/**
 * Statements rendered once. drizzle takes longer to turn a query into text than PostgreSQL takes to run it, so the hot
 * paths render a statement for each of its shapes and fill in the values of each call.
 */
export interface Statement {
  text: string
  params: unknown[]
}

const dialect = new PgDialect()

/** Renders a query; its values are placeholders (`param`) to be filled at each call, or constants. */
export const prepare = (query: SQL): Statement => {
  const { sql: text, params } = dialect.sqlToQuery(query)
  return { text, params }
}

/** A value that each call names. */
export const param = (name: string): SQL => sql`${sql.placeholder(name)}`

/** The parameters of one call. Every placeholder must have a value; null is one. */
export const bind = ({ params }: Statement, values: Record<string, unknown>): unknown[] =>
  params.some((value) => value instanceof Placeholder) ? fillPlaceholders(params, values) : params

const MAX_SHAPES = 500

/**
 * Keeps what was made for a key, for statements whose text depends on which fields are given. Clients choose the
 * fields, so the number kept is bounded: beyond it everything is made anew.
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

/**
 * Reads rows that PostgreSQL has put into one column, `row_to_json(…) as row`: the endpoint describes every column of
 * every answer, and for a single wide row that is most of what is sent. Answers these columns, in this order.
 */
export const readJsonRow = <Columns extends Record<string, Column>>(columns: Columns) => {
  const entries = Object.entries(columns).map(([name, column]) => ({
    name,
    from: column.name,
    isInstant: column.getSQLType() === 'timestamp with time zone',
  }))
  return ({ row }: Record<string, unknown>): { [Name in keyof Columns]: Columns[Name]['_']['data'] | null } => {
    const found = parseJson(row as string) as Record<string, unknown>
    const read: Record<string, unknown> = {}
    for (const { name, from, isInstant } of entries) {
      const value = found[from]
      read[name] = isInstant && value !== null ? formatInstant(value as string) : value
    }
    return read as never
  }
}
