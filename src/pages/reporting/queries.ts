import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Database } from '../../db/client.ts'
import { amount, jsonOf } from '../../db/rows.ts'
import { keep, param, prepare, type Statement } from '../../db/statement.ts'
import { addHistogram, addToBucket, type Histogram, histogramIn, MAX_RUNS, percentileIn } from '../../features/pipeline-days/histogram.ts'
import {
  closedTotals,
  dayTables,
  percentileOf,
  SUM_NAMES,
  type SumName,
  type Sums,
  sumsOfDays,
  sumUp,
} from '../../features/pipeline-days/read.ts'
import { typeChoices, typeChoicesShape } from '../../features/pipeline-types/choices.ts'
import { pipelineType } from '../../features/pipeline-types/table.ts'
import { pipeline } from '../../features/pipelines/table.ts'
import { patternOf } from '../frame/fields.ts'

export const PAGE_ROWS = 50
/** Keeps the answer below Neon's limit of 10 MiB. */
export const MAX_CSV_ROWS = 20_000

/** The columns of the report; a reader can sort by each. */
export const COLUMNS = [
  'day',
  'pipeline',
  'type',
  'executions',
  'failures',
  'error_rate',
  'inserts',
  'updates',
  'soft_deletes',
  'total_rows',
  'mean_seconds',
  'p95_seconds',
  'throughput',
] as const
export type ReportColumn = (typeof COLUMNS)[number]

export interface ReportFilters {
  search: string
  type?: number | undefined
  /** UTC days, both included. */
  from: string
  to: string
  sort: ReportColumn
  order: 'asc' | 'desc'
}

/** The columns that are not stored: each a division of sums. */
const DERIVED: Partial<Record<ReportColumn, string>> = {
  error_rate: 'failures::double precision / nullif(ended, 0)',
  mean_seconds: 'seconds::double precision / nullif(timed, 0)',
  throughput: 'paced_rows::double precision / nullif(paced_seconds, 0)',
}
const derived = sql.raw(
  Object.entries(DERIVED)
    .map(([name, value]) => `${value} as ${name}`)
    .join(', '),
)

/** Only a sort by name needs the names of all rows: with them it takes several times as long. */
const NAME_KEYS: Partial<Record<ReportColumn, string>> = { pipeline: 'p.name', type: 't.name' }

/** Sorted downwards by these, what has failures comes before what has none. */
const FAILING_FIRST: ReadonlySet<ReportColumn> = new Set(['failures', 'error_rate'])

/** Histograms are added up in portions of about this many runs: a bucket must not overflow. */
const PORTION = MAX_RUNS / 2

/**
 * The metrics of the runs that started on these days: sorted rows for each pipeline and day, the sums of each day, and what the
 * total's percentile is computed from. Placeholders: `from`, `to`, `like`, `type_id`, `skipped`, `rows`.
 */
const reportOrderedBy = (sort: ReportColumn, order: 'asc' | 'desc', isFiltered: boolean): Statement => {
  const where = sql`pipeline_id in (select p.id from ${pipeline} p
    where (${param('like')}::text is null or p.name ilike ${param('like')})
      and (${param('type_id')}::bigint is null or p.pipeline_type_id = ${param('type_id')}::bigint))`
  const name = NAME_KEYS[sort]
  const orderBy = (column: string) =>
    sql.raw(name ? `${name} ${order}, day desc` : sort === 'day' ? `day ${order}` : `${column} ${order} nulls last, day desc`)
  const key = orderBy(sort)
  const needed = sql`${param('skipped')}::integer + ${param('rows')}::integer`
  const keysOf = (table: string, condition: SQL, limit: SQL) => sql`
    select day, pipeline_id from ${sql.raw(table)} d
    ${name ? sql`join ${pipeline} p on p.id = d.pipeline_id join ${pipelineType} t on t.id = p.pipeline_type_id` : sql``}
    where ${condition} order by ${orderBy(DERIVED[sort] ?? sort)}, pipeline_id limit ${limit}`
  /**
   * The keys of the first rows of a table, as many as the page needs: each table for itself can use its index and parallel workers. Only
   * the sort's column is read of all rows: with all columns it takes twice as long. Where failures come first, the few days that have some
   * (Index Only Scan on pipeline_day_failing) are read, and the others only if these do not fill the page: with a limit of 0 nothing is.
   */
  const topOf = (table: string): SQL => {
    const top = sql.raw(`top_${table}`)
    if (order === 'asc' || !FAILING_FIRST.has(sort)) return sql`${top} as (${keysOf(table, sql`true`, needed)})`
    const failing = sql.raw(`failing_${table}`)
    return sql`
      ${failing} as materialized (${keysOf(table, sql`failures > 0`, needed)}),
      ${top} as (
        select * from ${failing} union all
        (${keysOf(table, sql`failures = 0`, sql`greatest(0, ${needed} - (select count(*) from ${failing}))`)}))`
  }
  const period = { from: sql`${param('from')}::date`, to: sql`${param('to')}::date` }
  return prepare(sql`
    with ${dayTables({ ...period, where: isFiltered ? where : undefined, withPercentile: sort === 'p95_seconds' })},
    ${isFiltered ? sql`` : sql`${closedTotals(period)},`}
    daily as materialized (
      ${isFiltered ? sql`select day, ${sumsOfDays} from closed_day group by day` : sql`select * from closed_total`}
      union all
      select day, ${sumsOfDays} from open_day group by day),
    ${topOf('closed_day')},
    ${topOf('open_day')},
    first as (
      -- A look-up in pipeline_day_pk for each key: the planner cannot know how few they are, and would read the table.
      select d.*, ${derived} from top_closed_day top
      cross join lateral (select * from closed_day c where c.day = top.day and c.pipeline_id = top.pipeline_id offset 0) d
      union all
      select d.*, ${derived} from top_open_day top join open_day d using (day, pipeline_id)),
    chosen as (
      select first.*, p.name as pipeline, t.name as type, row_number() over (order by ${key}, pipeline_id) as place
      from first join ${pipeline} p on p.id = first.pipeline_id join ${pipelineType} t on t.id = p.pipeline_type_id
      order by place offset ${param('skipped')} limit ${param('rows')}),
    portioned as (
      select durations, floor((sum(executions) over (order by day)) / ${sql.raw(String(PORTION))}) as portion from daily)
    select
      (select coalesce(jsonb_agg(to_jsonb(d) - 'durations' || jsonb_build_object(
          'p95_seconds', coalesce(p95_seconds, case when timed > 0 then ${percentileOf(sql`d`)} end),
          'histogram', case when timed > 0 and p95_seconds is null then durations::text end) order by d.place), '[]')
        from chosen d) as rows,
      (select coalesce(jsonb_agg(to_jsonb(d) - 'durations' order by day), '[]') from daily d) as days,
      (select coalesce(jsonb_agg(sum), '[]') from (select sum(durations)::text as sum from portioned group by portion) s) as histograms,
      (select coalesce(jsonb_agg(jsonb_build_array(bucket, runs)), '[]') from fresh_bucket) as fresh,
      ${typeChoices} as types`)
}

const sums = Object.fromEntries(SUM_NAMES.map((name) => [name, amount])) as Record<SumName, typeof amount>
const names = { pipeline_id: amount, pipeline: z.string(), type: z.string(), day: z.string() }

const reportRow = z.object({
  rows: jsonOf(z.array(z.object({ ...names, ...sums, p95_seconds: amount.nullable(), histogram: z.string().nullable() }))),
  days: jsonOf(z.array(z.object({ day: z.string(), ...sums }))),
  histograms: jsonOf(z.array(z.string())),
  fresh: jsonOf(z.array(z.tuple([amount, amount]))),
  types: typeChoicesShape,
})

/** What the report says of a set of runs. */
export interface Metrics extends Pick<Sums, 'executions' | 'failures' | 'inserts' | 'updates' | 'soft_deletes' | 'total_rows'> {
  /** Of the runs that have ended, 0 to 1; null if none has. */
  error_rate: number | null
  mean_seconds: number | null
  /** Exact for one pipeline and day whose runs are there; else at most 2 % off. */
  p95_seconds: number | null
  /** Rows per second, without runs whose rounded duration is 0 seconds. */
  throughput: number | null
}

export interface DailyRow extends Metrics {
  pipeline_id: number
  pipeline: string
  type: string
  day: string
}

export interface Report {
  rows: DailyRow[]
  total: Metrics
  days: ({ day: string } & Sums)[]
  types: z.output<typeof typeChoicesShape>
}

const metricsOf = (of: Sums, p95_seconds: number | null): Metrics => ({
  executions: of.executions,
  failures: of.failures,
  inserts: of.inserts,
  updates: of.updates,
  soft_deletes: of.soft_deletes,
  total_rows: of.total_rows,
  error_rate: ratio(of.failures, of.ended),
  mean_seconds: ratio(of.seconds, of.timed),
  p95_seconds,
  throughput: ratio(of.paced_rows, of.paced_seconds),
})

const ratio = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole)

const statements = keep<Statement>()

/** Reads `rows` rows after the first `skipped` ones; ask for one row more to know whether another page follows. */
export const readReport = async (
  db: Database,
  filters: ReportFilters,
  { skipped, rows }: { skipped: number; rows: number },
): Promise<Report> => {
  const { search, type, from, to, sort, order } = filters
  const isFiltered = search !== '' || type !== undefined
  const statement = statements(`${sort} ${order} ${isFiltered}`, () => reportOrderedBy(sort, order, isFiltered))
  const values = { from, to, like: patternOf(search), type_id: type ?? null, skipped, rows }
  const [row] = await db.rows(statement, reportRow, values)
  if (!row) throw new Error('the report must be one row')
  const durations: Histogram = []
  for (const text of row.histograms) addHistogram(durations, text)
  for (const [bucket, runs] of row.fresh) addToBucket(durations, bucket, runs)
  return {
    rows: row.rows.map(({ pipeline_id, pipeline, type, day, p95_seconds, histogram, ...of }) => ({
      pipeline_id,
      pipeline,
      type,
      day,
      ...metricsOf(of, p95_seconds ?? (histogram === null ? null : percentileIn(histogramIn(histogram), 0.95))),
    })),
    total: metricsOf(sumUp(row.days), percentileIn(durations, 0.95)),
    days: row.days,
    types: row.types,
  }
}
