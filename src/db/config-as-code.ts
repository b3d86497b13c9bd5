import { type SQL, sql } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import type { z } from 'zod'
import { canonicalJson } from '../http/json.ts'
import type { Database } from './client.ts'

/**
 * Configuration as code: a pipeline's own code posts its configuration at every run. It is written when it differs
 * from what the code posted last (`config_hash`), so that a change made by hand in between survives.
 */

/** SHA-256, in hex, of the canonical JSON of the fields that are present. */
export const hashConfig = async (config: Record<string, unknown>): Promise<string> => {
  const present = Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined))
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(canonicalJson(present)))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

type Values = Record<string, SQL | undefined>

export interface Configured {
  table: PgTable
  /** Finds the row by its unique name. */
  matches: SQL
  /** CTEs that make what the row refers to, and the condition that it is there. */
  references?: { ctes: SQL[]; ready: SQL }
  /** Columns set when the row is created, and never by this again. */
  initial: Values
  /** Columns set when the row is created and when the configuration has changed. */
  config: Values
  /** Columns set whenever they are given and differ, changed configuration or not. */
  always?: Values
  hash: string
  now: string
  /** CTEs that follow a creation; they read `created`. */
  afterwards?: SQL[]
  /** The columns to answer. */
  answer: string[]
}

const entriesOf = (values: Values): [SQL, SQL][] =>
  Object.entries(values).flatMap(([column, value]) =>
    value === undefined ? [] : [[sql.identifier(column), value] as unknown as [SQL, SQL]],
  )

const list = (parts: SQL[]): SQL => sql.join(parts, sql`, `)

/**
 * One statement that creates the row, or writes the changed configuration, or writes nothing. Exactly one of a hundred
 * identical calls creates; an unchanged call takes no lock and leaves no dead row. Answers no row where it lost a race
 * against another writer: the caller repeats it, and then sees what the other wrote.
 */
const statementFor = ({
  table,
  matches,
  references,
  initial,
  config,
  always = {},
  hash,
  now,
  afterwards = [],
  answer,
}: Configured): SQL => {
  const columns = list(answer.map((name) => sql`r.${sql.identifier(name)}`))
  const ready = references?.ready ?? sql`true`
  const creation = entriesOf({ ...initial, ...config, ...always, config_hash: sql`${hash}`, created_at: sql`${now}::timestamptz` })
  // Nothing said is no change, also for a row that was made in passing and never configured.
  const saysNothing = Object.values(config).every((value) => value === undefined)
  const changed = saysNothing ? sql`r.config_hash is not null and r.config_hash <> ${hash}` : sql`r.config_hash is distinct from ${hash}`
  const change = [
    ...entriesOf({ ...config, config_hash: sql`${hash}`, updated_at: sql`${now}::timestamptz` }).map(
      ([column, value]) => sql`${column} = case when ${changed} then ${value} else r.${column} end`,
    ),
    ...entriesOf(always).map(([column, value]) => sql`${column} = ${value}`),
  ]
  const due = [changed, ...entriesOf(always).map(([column, value]) => sql`r.${column} is distinct from ${value}`)]
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
        update ${table} r set ${list(change)} from found
        where r.id = found.id and (${sql.join(due, sql` or `)}) and (not (${changed}) or ${ready})
        returning ${columns})`,
      ...afterwards,
    ])}
    select true as was_created, ${columns} from created r
    union all select false, ${columns} from changed r
    union all select false, ${columns} from found r where not (${changed}) and not exists (select from changed)`
}

/** Creates or configures the row; `was_created` tells which. */
export const createOrConfigure = <Row>(db: Database, configured: Configured, row: z.ZodType<Row>): Promise<Row> =>
  untilRow(() => db.rows(statementFor(configured), row))

const MOST_TRIES = 10

/** Repeats a statement that answers nothing where it lost a race: the next try sees what the winner committed. */
export const untilRow = async <Row>(attempt: () => Promise<Row[]>): Promise<Row> => {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const [row] = await attempt()
    if (row !== undefined) return row
  }
  throw new Error(`No row after ${MOST_TRIES} tries: a statement that must find or make one did neither`)
}
