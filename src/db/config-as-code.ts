import { type SQL, sql } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import type { z } from 'zod'
import { canonicalJson } from '../core/json.ts'
import type { Database } from './client.ts'
import { keep, param, prepare, type Statement } from './statement.ts'

/**
 * Configuration as code: a pipeline's code posts its configuration at every run. Watcher writes it only if it differs
 * from the last posted one (`config_hash`), so a change made by hand in between survives.
 */

const MAX_HASHES = 2_000
/** Longer configurations are rare, and would fill the memory. */
const MAX_KEPT_CHARACTERS = 2_000
const hashes = new Map<string, string>()

/**
 * SHA-256, in hex, of the canonical JSON of the fields that are present. The same configuration comes with every run, and most
 * pipelines share one, so the last hashes are kept.
 */
export const hashConfig = async (config: Record<string, unknown>): Promise<string> => {
  const present: Record<string, unknown> = {}
  for (const name in config) if (config[name] !== undefined) present[name] = config[name]
  const json = canonicalJson(present)
  const known = hashes.get(json)
  if (known !== undefined) return known
  const hash = await sha256(json)
  if (hashes.size >= MAX_HASHES) hashes.clear()
  if (json.length <= MAX_KEPT_CHARACTERS) hashes.set(json, hash)
  return hash
}

const sha256 = async (text: string): Promise<string> => {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

type Values = Record<string, unknown>

/** How a table is configured; the same for every call. */
export interface Configurable<Row> {
  table: PgTable
  /** The condition that finds the row by its unique name (placeholder `name`). */
  matches: SQL
  /** CTEs that create the referenced rows, the condition that these exist, and the foreign keys to them. */
  references?: { ctes: SQL[]; ready: SQL; columns: Record<string, SQL> }
  /** CTEs that write more after a creation; they read `created`. */
  afterwards?: SQL[]
  /** The columns to return, and the schema that reads them; `was_created` comes first. */
  answer: string[]
  row: z.ZodType<Row>
}

/** The values of one call; the statement leaves undefined ones out. */
export interface Configuration {
  /** Columns that are set only when the row is created. */
  initial: Values
  /** Columns that are set when the row is created, and when the configuration changes. */
  config: Values
  hash: string
  now: string
  /** Values of the placeholders in the table's CTEs. */
  values?: Values
}

const namesOf = (values: Values = {}): string[] => Object.keys(values).filter((name) => values[name] !== undefined)

const list = (parts: SQL[]): SQL => sql.join(parts, sql`, `)

/**
 * One statement that creates the row, writes the changed configuration, or writes nothing. Of a hundred identical calls,
 * exactly one creates the row; an unchanged call takes no lock and leaves no dead row. The statement returns no row if it
 * lost a race against another writer: the caller repeats it, and then sees what the other one wrote.
 */
const statementFor = <Row>(configurable: Configurable<Row>, initial: string[], config: string[]): SQL => {
  const { table, matches, references, afterwards = [], answer } = configurable
  const columns = list(answer.map((name) => sql`r.${sql.identifier(name)}`))
  const ready = references?.ready ?? sql`true`
  const given = (names: string[]): [SQL, SQL][] => names.map((name) => [sql`${sql.identifier(name)}`, param(name)])
  const pointers = Object.entries(references?.columns ?? {}).map(([name, value]) => [sql`${sql.identifier(name)}`, value] as [SQL, SQL])
  const hash: [SQL, SQL] = [sql`config_hash`, param('config_hash')]
  const creation = [...given([...initial, ...config]), ...pointers, hash, [sql`created_at`, sql`${param('now')}::timestamptz`] as const]
  // An empty configuration does not change a row that was only created as a reference (its config_hash is null).
  const isEmpty = config.length === 0 && pointers.length === 0
  const changed = isEmpty ? sql`r.config_hash is not null and r.config_hash <> ${hash[1]}` : sql`r.config_hash is distinct from ${hash[1]}`
  const change = [...given(config), ...pointers, hash, [sql`updated_at`, sql`${param('now')}::timestamptz`] as const]
  return sql`
    with found as materialized (select * from ${table} r where ${matches}),
    ${list([
      ...(references?.ctes ?? []),
      sql`created as (
        insert into ${table} as r (${list(creation.map(([column]) => column))})
        select ${list(creation.map(([, value]) => value))}
        where not exists (select from found) and ${ready}
        on conflict do nothing
        returning ${columns})`,
      sql`changed as (
        update ${table} r set ${list(change.map(([column, value]) => sql`${column} = ${value}`))} from found
        where r.id = found.id and ${changed} and ${ready}
        returning ${columns})`,
      ...afterwards,
    ])}
    select true as was_created, ${columns} from created r
    union all select false, ${columns} from changed r
    union all select false, ${columns} from found r where not (${changed}) and not exists (select from changed)`
}

/** Makes the function that creates or configures a row of the table; `was_created` tells which. */
export const configure = <Row>(configurable: Configurable<Row>) => {
  const shapes = keep<Statement>()
  return (db: Database, { initial, config, hash, now, values }: Configuration): Promise<Row> => {
    const names = [initial, config].map(namesOf)
    const statement = shapes(names.join(';'), () => prepare(statementFor(configurable, ...(names as [string[], string[]]))))
    const all = { ...initial, ...config, ...values, config_hash: hash, now }
    return untilRow(() => db.rows(statement, configurable.row, all))
  }
}

const MAX_TRIES = 10

/** Repeats a statement that returns no row after a lost race: the next try sees what the winner committed. */
export const untilRow = async <Row>(attempt: () => Promise<Row[]>): Promise<Row> => {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const [row] = await attempt()
    if (row !== undefined) return row
  }
  throw new Error(`No row after ${MAX_TRIES} tries: the statement must find or create one`)
}
