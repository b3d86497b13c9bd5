import { type SQL, sql } from 'drizzle-orm'

/** The most that a sum can be: what clients report may add up to more than a bigint. */
export const MAX_SUM = '9223372036854775807'
const sumOf = (value: SQL, filter = sql``): SQL => sql`least(coalesce(sum(${value}) ${filter}, 0), ${sql.raw(MAX_SUM)})::bigint`

const PACED = sql`filter (where e.duration_seconds > 0 and e.total_rows is not null)`

/** What a day adds up, over runs `e`; by the names of the columns of `pipeline_day`. */
const SUMS = {
  executions: sql`count(*)`,
  ended: sql`count(e.completed_successfully)`,
  failures: sql`count(*) filter (where not e.completed_successfully)`,
  inserts: sumOf(sql`e.inserts`),
  updates: sumOf(sql`e.updates`),
  soft_deletes: sumOf(sql`e.soft_deletes`),
  total_rows: sumOf(sql`e.total_rows`),
  timed: sql`count(e.duration_seconds)`,
  seconds: sumOf(sql`e.duration_seconds`),
  paced_rows: sumOf(sql`e.total_rows`, PACED),
  paced_seconds: sumOf(sql`e.duration_seconds`, PACED),
} satisfies Record<string, SQL>

export type SumName = keyof typeof SUMS
export type Sums = Record<SumName, number>

/** The columns that are added up. */
export const SUM_NAMES = Object.keys(SUMS) as SumName[]

/** The columns' names as a list. */
export const sumNames: SQL = sql.raw(SUM_NAMES.join(', '))

/** The sums as aggregates over runs `e`, and the percentile. */
export const daySums: SQL = sql.join(
  Object.entries(SUMS).map(([name, value]) => sql`${value} as ${sql.raw(name)}`),
  sql`, `,
)
export const p95 = sql`percentile_cont(0.95) within group (order by e.duration_seconds)`

/** The sums and the histogram of several rows of `pipeline_day`. */
export const sumsOfDays: SQL = sql.raw([...SUM_NAMES, 'durations'].map((name) => `coalesce(sum(${name}), 0) as ${name}`).join(', '))

/**
 * The sums of two rows of which one may be missing (a full join), with the type of the columns. Most rows are in one only: adding up all
 * of them as `numeric` took three times as long.
 */
export const sumOfBoth = (left: SQL, right: SQL): SQL =>
  sql.join(
    SUM_NAMES.map((name) => {
      const [one, other] = [sql`${left}.${sql.raw(name)}`, sql`${right}.${sql.raw(name)}`]
      return sql`case when ${one} is null or ${other} is null then coalesce(${one}, ${other})
        else least(${one}::numeric + ${other}, ${sql.raw(MAX_SUM)})::bigint end as ${sql.raw(name)}`
    }),
    sql`, `,
  )

/** The sum of all days. */
export const sumUp = (days: Sums[]): Sums =>
  Object.fromEntries(SUM_NAMES.map((name) => [name, days.reduce((sum, day) => sum + day[name], 0)])) as Sums
