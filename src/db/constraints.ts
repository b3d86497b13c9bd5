import { type SQL, sql } from 'drizzle-orm'
import { type AnyPgColumn, check } from 'drizzle-orm/pg-core'

/** The units a freshness or timeliness threshold may have, in UTC calendar arithmetic. */
export const DATEPARTS = ['minute', 'hour', 'day', 'week', 'month', 'year'] as const

/** The execution columns an anomaly rule may watch. */
export const METRIC_FIELDS = ['duration_seconds', 'inserts', 'updates', 'soft_deletes', 'total_rows', 'throughput'] as const

/** The largest threshold of each unit, about a thousand years: more would leave PostgreSQL's calendar in the middle of a sweep. */
export const MAX_THRESHOLDS: Record<(typeof DATEPARTS)[number], number> = {
  minute: 525_600_000,
  hour: 8_760_000,
  day: 365_000,
  week: 52_000,
  month: 12_000,
  year: 1_000,
}
export const MAX_THRESHOLD_NUMBER = MAX_THRESHOLDS.minute

/** `a`, `b` as SQL text literals: constraints cannot carry parameters. */
export const literals = (values: readonly string[]): SQL => sql.raw(values.map((value) => `'${value}'`).join(', '))

export const oneOf = (name: string, column: AnyPgColumn, values: readonly string[]) => check(name, sql`${column} in (${literals(values)})`)

export const lengthBetween = (name: string, column: AnyPgColumn, least: number, most: number) =>
  check(name, sql`char_length(${column}) between ${sql.raw(String(least))} and ${sql.raw(String(most))}`)

export const atLeast = (name: string, column: AnyPgColumn, least: number) => check(name, sql`${column} >= ${sql.raw(String(least))}`)

/** A threshold is a number and a datepart, or neither. */
export const threshold = (name: string, number: AnyPgColumn, datepart: AnyPgColumn) => [
  check(`${name}_pair`, sql`(${number} is null) = (${datepart} is null)`),
  check(
    `${name}_number_range`,
    sql`${number} between 1 and case ${datepart} ${sql.raw(
      Object.entries(MAX_THRESHOLDS)
        .map(([unit, most]) => `when '${unit}' then ${most}`)
        .join(' '),
    )} end`,
  ),
  oneOf(`${name}_datepart_known`, datepart, DATEPARTS),
]
