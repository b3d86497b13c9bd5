import { type Column, getTableColumns, getTableName, type SQL, sql } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import { formatInstant } from '../core/instant.ts'
import { parseJson } from '../core/json.ts'
import type { Database } from './client.ts'
import { text, whole } from './rows.ts'
import { keep, param, prepare, type Statement } from './statement.ts'

/** A page of rows as PostgreSQL writes it: the worker passes the JSON on without reading it. */
export interface JsonPage {
  /** A JSON array. */
  json: string
  /** The `after_id` of the next page: the id of the last row. null if this is the last page. */
  next: number | null
}

type ListedTable = PgTable & { id: Column }

/** How a list of a table is read; the same for every call. */
export interface Listing<Filters> {
  /** The table; its rows are ordered by its column `id`. */
  table: ListedTable
  /** The columns to answer, by their names in the answer; without this, all of the table. */
  columns?: Record<string, Column>
  /** Joins of tables with more columns: `join … on …`. */
  join?: SQL
  /**
   * The condition of each filter. It takes the value from the placeholder of the filter's name. A function makes a literal of the
   * value, which must be one of our own names: a partial index does not match a parameter.
   */
  conditions: { [Name in keyof Required<Filters>]: SQL | ((value: NonNullable<Filters[Name]>) => SQL) }
}

const isInstant = (column: Column): boolean => column.getSQLType() === 'timestamp with time zone'

/** A timestamp in the canonical form (see core/instant.ts); other types are JSON as they are. */
const answered = ([name, column]: [string, Column]): SQL => {
  const value = isInstant(column) ? sql`to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')` : sql`${column}`
  return sql`${value} as ${sql.identifier(name)}`
}

/** The columns as one JSON object. */
const objectOf = (columns: Record<string, Column>): SQL =>
  sql`row_to_json((select answered from (select ${sql.join(Object.entries(columns).map(answered), sql`, `)}) answered))::text`

/** The row with the id in the placeholder `id`, as JSON text: a query of one column `row`. */
export const rowById = (table: ListedTable, columns: Record<string, Column>): SQL =>
  sql`select ${objectOf(columns)} as row from ${table} where ${table.id} = ${param('id')}`

/** Makes the function that reads a row that PostgreSQL wrote as JSON: the columns by their names in the answer, timestamps in the canonical form. */
export const columnReader = (columns: Record<string, Column>) => {
  const entries = Object.entries(columns).map(([name, column]) => ({ name, from: column.name, isInstant: isInstant(column) }))
  return (found: Record<string, unknown>): Record<string, unknown> => {
    const answer: Record<string, unknown> = {}
    for (const { name, from, isInstant } of entries) {
      const value = found[from]
      answer[name] = isInstant && value !== null ? formatInstant(value as string) : value
    }
    return answer
  }
}

/**
 * Makes the function that reads one row by its id; undefined if there is none. PostgreSQL writes the row as JSON, because the
 * endpoint describes every column in every answer, and for one wide row that is most of the answer. The timestamps are put into
 * the canonical form here: planning that for one row costs PostgreSQL more.
 */
export const finding = (table: ListedTable, columns: Record<string, Column> = getTableColumns(table)) => {
  const statement = prepare(sql`select row_to_json(found) as row from ${table} found where found.id = ${param('id')}`)
  const readColumns = columnReader(columns)
  const read = ({ row }: Record<string, unknown>) => readColumns(parseJson(row as string) as Record<string, unknown>)
  return async (db: Database, id: number): Promise<Record<string, unknown> | undefined> => (await db.read(statement, read, { id }))[0]
}

export const pageRow = z.object({ json: text, next: whole.nullable() })

/** A page of the list with these conditions: a query of one row, see pageRow. Placeholders: `limit`, `rows` (one more) and `after_id`. */
export const pageOf = (
  { table, columns = getTableColumns(table), join = sql`` }: Omit<Listing<object>, 'conditions'>,
  conditions: readonly SQL[],
): SQL => sql`
  select coalesce('[' || string_agg(item, ',' order by id) filter (where position <= ${param('limit')}) || ']', '[]') as json,
    case when count(*) > ${param('limit')} then max(id) filter (where position <= ${param('limit')}) end as next
  from (
    select ${table.id} as id, row_number() over (order by ${table.id}) as position, ${objectOf(columns)} as item
    from (
      select * from ${table}
      where ${sql.join([sql`${table.id} > ${param('after_id')}`, ...conditions], sql` and `)}
      order by ${table.id} limit ${param('rows')}) as ${sql.identifier(getTableName(table))} ${join}) page`

/** Makes the function that reads a page: rows after `after_id` that meet the filters, at most `limit`. One statement for each set of filters. */
export const listing = <Filters extends object>({ conditions, ...list }: Listing<Filters>) => {
  const statements = keep<Statement>()
  return async (db: Database, filters: Filters & { limit: number; after_id: number }): Promise<JsonPage> => {
    const { limit, after_id } = filters
    const values = filters as Record<string, unknown>
    const parts: string[] = []
    const given: SQL[] = []
    for (const [name, condition] of Object.entries<SQL | ((value: never) => SQL)>(conditions)) {
      const value = values[name]
      if (value === undefined) continue
      const isLiteral = typeof condition === 'function'
      parts.push(isLiteral ? `${name}=${String(value)}` : name)
      given.push(isLiteral ? condition(value as never) : condition)
    }
    const statement = statements(parts.join(), () => prepare(pageOf(list, given)))
    const [row] = await db.rows(statement, pageRow, { ...values, limit, after_id, rows: limit + 1 })
    if (!row) throw new Error('a list is one row')
    return row
  }
}
