import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { METRIC_FIELDS, RUN_METRICS } from '../../db/constraints.ts'
import { pipelineExecution } from '../../features/executions/table.ts'
import { RATIOS } from './baseline.ts'
import { METHODS, type MethodName } from './methods/index.ts'
import { type PastRun, weeklyDaysOf } from './pools.ts'
import { DIRECTIONS, type JudgedRule, SEASONS } from './rule.ts'
import { anomalyDetectionResult } from './table.ts'

/** A pool has at most this many values: of more runs an even sample is read, the first of each step of time. */
const MAX_POOL = 2_000
/** Of an hour of the week at most this many runs of each week. */
const MAX_OF_WEEK = 40

const number = (value: number) => sql.raw(String(value))
/** An hour of one day is read in so many steps, one run of each. */
const stepsOfHour = sql`greatest(1, ${number(MAX_POOL)} / (asked.days + 1))`

/**
 * A run as `runsOf` reads it: id, start, end and local start in seconds, hour, then the metrics in the order of METRIC_FIELDS. Beside it
 * stands `ratioTable`.
 */
export const runColumns = (
  run: SQL,
  zone: SQL,
): SQL => sql`jsonb_build_array(${run}.id, extract(epoch from ${run}.start_date), extract(epoch from ${run}.end_date),
  extract(epoch from ${run}.start_date at time zone ${zone}), ${run}.hour_recorded, ${sql.join(
    RUN_METRICS.map((metric) => sql`${run}.${sql.identifier(metric)}`),
    sql`, `,
  )}, ${RATIOS} -> ${run}.id::text)`

const value = z.union([z.number(), z.bigint()]).transform(Number)
type RunColumns = readonly (number | bigint | null)[]

const TIMES = 5
const isNumber = (part: unknown): boolean => typeof part === 'number' || typeof part === 'bigint'
const isRun = (run: unknown): run is RunColumns =>
  Array.isArray(run) &&
  run.length === TIMES + METRIC_FIELDS.length &&
  run.every((part, place) => isNumber(part) || (part === null && place >= TIMES))

/** One check for the whole list: a schema for each of 25,000 numbers would cost more CPU than judging them. */
export const runsShape = z.custom<readonly RunColumns[]>((runs) => Array.isArray(runs) && runs.every(isRun), {
  error: 'not a list of runs',
})

/** The runs of a JSON list of `runColumns`. */
export const runsOf = (rows: readonly RunColumns[]): PastRun[] =>
  rows.map((row) => {
    const [id, start, end, local, utcHour] = row.map(Number) as [number, number, number, number, number]
    const values: Record<string, number | null> = {}
    for (const [place, metric] of METRIC_FIELDS.entries()) {
      const value = row[TIMES + place]
      values[metric] = value === null || value === undefined ? null : Number(value)
    }
    return { id, start, end, local, utcHour, values }
  })

/** A rule `r` as JSON, as `ruleShape` reads it. */
export const ruleColumns: SQL = sql`jsonb_build_object('id', r.id, 'method', r.method, 'metric_field', r.metric_field,
  'std_deviation_threshold_multiplier', r.std_deviation_threshold_multiplier, 'lookback_days', r.lookback_days, 'minimum_executions', r.minimum_executions,
  'direction', r.direction, 'season', r.season, 'min_change_percent', r.min_change_percent, 'min_value', r.min_value, 'max_value', r.max_value,
  'baseline_from', extract(epoch from r.baseline_from), 'accept_level_after', r.accept_level_after)`

export const ruleShape = z.object({
  id: value,
  method: z.enum(Object.keys(METHODS) as [MethodName, ...MethodName[]]),
  metric_field: z.enum(METRIC_FIELDS),
  std_deviation_threshold_multiplier: value,
  lookback_days: value,
  minimum_executions: value,
  direction: z.enum(DIRECTIONS),
  season: z.enum(SEASONS),
  min_change_percent: value,
  min_value: value.nullable(),
  max_value: value.nullable(),
  baseline_from: value.nullable(),
  accept_level_after: value.nullable(),
}) satisfies z.ZodType<JudgedRule>

/** The runs that a rule has flagged among those of the CTE `runs`: id and direction. `rule` is its id. */
export const flagsOf = (rule: SQL, runs: SQL): SQL => sql`(
  select coalesce(jsonb_agg(jsonb_build_array(f.pipeline_execution_id, f.context ->> 'direction')), '[]') from ${anomalyDetectionResult} f
  where f.rule_id = ${rule} and f.pipeline_execution_id in (select id from ${runs}))`
export const flagShape = z.tuple([value, z.string().nullable()])

/** Names of the table expressions of `historyTables`. */
export const PAST = sql.raw('past')

/**
 * Table expressions of the successful runs that a run may be compared with. They read `asked`: one row with the `pipeline_id`, the `zone` and
 * what is asked of it: the last end (`until`), the longest lookback (`days`), and whether pools by weekday are needed (`is_weekly`). `past` has all runs of
 * the lookback, or an even sample of very many; with the runs of the same hour on the days before, and of the same time in the weeks before
 * (`start_date` of the run says which). Index Scans on pipeline_execution_baseline and pipeline_execution_of_pipeline_by_start.
 */
export const historyTables: SQL = sql`
  recent as materialized (
    select e.id from asked cross join generate_series(0, 23) hour cross join lateral (
      select e.id from ${pipelineExecution} e
      where e.pipeline_id = asked.pipeline_id and e.hour_recorded = hour and e.completed_successfully
        and e.end_date between asked.until - asked.lookback and asked.until
      order by e.end_date desc limit ${number(MAX_POOL + 1)}) e
    limit ${number(MAX_POOL + 1)}),
  size as materialized (select count(*) > ${number(MAX_POOL)} as is_large from recent),
  picked as (
    select id from recent where not (select is_large from size)
    union
    -- An even sample of the lookback.
    select e.id from asked cross join generate_series(1, ${number(MAX_POOL)}) step cross join lateral (
      select e.id from ${pipelineExecution} e
      where e.pipeline_id = asked.pipeline_id and e.completed_successfully
        and e.start_date >= asked.until - asked.lookback * (step::double precision / ${number(MAX_POOL)})
        and e.start_date < asked.until - asked.lookback * ((step - 1)::double precision / ${number(MAX_POOL)})
      order by e.start_date limit 1) e
    where (select is_large from size)
    union
    -- Of many runs, those of the same hour on each day before: in the pipeline's zone, and in UTC.
    select e.id from asked cross join lateral (
        values (date_trunc('hour', asked.start_date at time zone asked.zone), asked.zone), (date_trunc('hour', asked.start_date at time zone 'UTC'), 'UTC')) hour(at, zone)
      cross join generate_series(0, asked.days) day
      cross join generate_series(1, ${stepsOfHour}) step cross join lateral (
        select e.id from ${pipelineExecution} e
        where e.pipeline_id = asked.pipeline_id and e.completed_successfully
          and e.start_date >= ((hour.at - make_interval(days => day)) at time zone hour.zone) + interval '1 hour' * ((step - 1)::double precision / ${stepsOfHour})
          and e.start_date < ((hour.at - make_interval(days => day)) at time zone hour.zone) + interval '1 hour' * (step::double precision / ${stepsOfHour})
        order by e.start_date limit 1) e
    where (select is_large from size)
    union
    -- The same time in the weeks before: pools.ts says which of them count.
    select e.id from asked cross join generate_series(1, asked.weekly_days / 7) week cross join lateral (
      select e.id from ${pipelineExecution} e
      where e.pipeline_id = asked.pipeline_id and e.completed_successfully
        and e.start_date >= ((least(date_trunc('hour', asked.local), asked.local - interval '90 minutes') - make_interval(days => 7 * week)) at time zone asked.zone)
        and e.start_date <= ((greatest(date_trunc('hour', asked.local) + interval '1 hour', asked.local + interval '90 minutes') - make_interval(days => 7 * week)) at time zone asked.zone)
      order by abs(extract(epoch from e.start_date - ((asked.local - make_interval(days => 7 * week)) at time zone asked.zone))) limit ${number(MAX_OF_WEEK)}) e
    where asked.is_weekly),
  ${PAST} as materialized (select e.* from picked join ${pipelineExecution} e on e.id = picked.id)`

/** `weeklyDaysOf` in SQL. */
export const weeklyDays = (lookback: SQL): SQL => sql`least(${number(weeklyDaysOf(1e9))}, ${number(weeklyDaysOf(1))} * ${lookback})`
