import { type SQL, sql } from 'drizzle-orm'
import { type AnyPgColumn, check } from 'drizzle-orm/pg-core'

/** The units of a freshness or timeliness threshold, in UTC calendar arithmetic. */
export const DATEPARTS = ['minute', 'hour', 'day', 'week', 'month', 'year'] as const

/** The metrics that are columns of an execution. */
export const RUN_METRICS = ['duration_seconds', 'inserts', 'updates', 'soft_deletes', 'total_rows', 'throughput'] as const

/** What a rule may watch. rows_ratio compares a run's rows with those of its input pipelines: see checks/anomalies/rows-ratios.sql. */
export const METRIC_FIELDS = [...RUN_METRICS, 'rows_ratio'] as const

/** How urgent an incident is: what channels and pagers see. */
export const SEVERITIES = ['warning', 'critical'] as const

/** The largest threshold of each unit, about a thousand years: a longer one could exceed PostgreSQL's calendar and fail a whole sweep. */
export const MAX_THRESHOLDS: Record<(typeof DATEPARTS)[number], number> = {
  minute: 525_600_000,
  hour: 8_760_000,
  day: 365_000,
  week: 52_000,
  month: 12_000,
  year: 1_000,
}
export const MAX_THRESHOLD_NUMBER = MAX_THRESHOLDS.minute

/** The values as SQL text literals: a constraint cannot have parameters. */
export const literals = (values: readonly string[]): SQL => sql.raw(values.map((value) => `'${value}'`).join(', '))

export const oneOf = (name: string, column: AnyPgColumn, values: readonly string[]) => check(name, sql`${column} in (${literals(values)})`)

export const lengthBetween = (name: string, column: AnyPgColumn, min: number, max: number) =>
  check(name, sql`char_length(${column}) between ${sql.raw(String(min))} and ${sql.raw(String(max))}`)

export const atLeast = (name: string, column: AnyPgColumn, min: number) => check(name, sql`${column} >= ${sql.raw(String(min))}`)

export const between = (name: string, column: AnyPgColumn, { min, max }: { min: number; max: number }) =>
  check(name, sql`${column} between ${sql.raw(String(min))} and ${sql.raw(String(max))}`)

/** The constraints of a threshold: number and datepart are both set or both null, and within their bounds. */
export const threshold = (name: string, number: AnyPgColumn, datepart: AnyPgColumn) => [
  check(`${name}_pair`, sql`(${number} is null) = (${datepart} is null)`),
  check(
    `${name}_number_range`,
    sql`${number} between 1 and case ${datepart} ${sql.raw(
      Object.entries(MAX_THRESHOLDS)
        .map(([unit, max]) => `when '${unit}' then ${max}`)
        .join(' '),
    )} end`,
  ),
  oneOf(`${name}_datepart_known`, datepart, DATEPARTS),
]
