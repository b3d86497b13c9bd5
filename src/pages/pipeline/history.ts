import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { baselineOf, lookbackOf, metricOf, ratioTable } from '../../checks/anomalies/baseline.ts'
import { RULE_DEFAULTS } from '../../checks/anomalies/rule.ts'
import { anomalyDetectionResult, anomalyDetectionRule } from '../../checks/anomalies/table.ts'
import { type Baseline, bandOf } from '../../checks/anomalies/verdict.ts'
import { addSeconds } from '../../core/instant.ts'
import { METRIC_FIELDS } from '../../db/constraints.ts'
import { amount, jsonOf, moment } from '../../db/rows.ts'
import { param } from '../../db/statement.ts'
import { pipelineExecution } from '../../features/executions/table.ts'
import { bandColumns, bandShape, withBands } from './bands.ts'
import type { Point } from './shape.ts'

/** The chart draws each run if there are at most this many; else it draws one point for all runs of a slot. */
const MAX_POINTS = 400

/** Seconds of a slot, for each period in days: at most 360 slots. Slots begin at full half hours or hours, UTC. */
const SLOT_SECONDS: Record<number, number> = { 7: 1_800, 30: 7_200, 90: 21_600 }
const HOUR_SECONDS = 3_600

/** Of more runs than this, in the period and the baseline before it, an even sample is read: the first run of each step of time. */
const MAX_READ = 20_000
/** Steps of a slot, and of the time before the period. */
const SLOT_STEPS = 4
const BASELINE_STEPS = 3_000
/** All failed and flagged runs are marks, up to this many of each: the newest. */
const MAX_MARKS = 1_000
/** The newest runs whose rows_ratio is drawn. */
const MAX_RATIOS = 4_000

const number = (value: number) => sql.raw(String(value))
const SINCE = sql`${param('since')}::timestamptz`
const value = metricOf(sql`(select metric from asked)`, sql`e`)
const lookback = lookbackOf(sql`(select lookback_days from asked)`)
const baseline = baselineOf(sql`value`, sql`filter (where succeeded and not is_flagged) over baseline`)
const slotLength = sql`make_interval(secs => ${param('slot_seconds')}::int)`

/** A rule has flagged the run `e` for the metric. */
const isFlagged = sql`(e.id in (select id from flagged))`

/** The pipeline's ended runs `e` that started since a time: Index Scan on pipeline_execution_of_pipeline_by_start. */
const runsSince = (since: typeof SINCE) => sql`
  from ${pipelineExecution} e where e.pipeline_id = ${param('id')} and e.end_date is not null and e.start_date >= ${since}`
const firstRuns = (since: typeof SINCE, count: number) => sql`(select count(*) from (
  select from ${pipelineExecution} e where e.pipeline_id = ${param('id')} and e.start_date >= ${since} order by e.start_date limit ${number(count)}) f)`

const sampled = (
  isExtra: boolean,
) => sql`e.id, e.start_date, e.date_recorded as day, e.hour_recorded as hour, e.completed_successfully as succeeded,
  ${value} as value, ${isFlagged} as is_flagged, ${sql.raw(String(isExtra))} as is_extra`

/** The first ended run of each step of time from one time to another. */
const firstOfSteps = (from: typeof SINCE, until: typeof SINCE, step: typeof SINCE) => sql`
  select ${sampled(false)} from generate_series(${from}, ${until}, ${step}) began
  cross join lateral (
    select e.* from ${pipelineExecution} e
    where e.pipeline_id = ${param('id')} and e.end_date is not null and e.start_date >= began and e.start_date < began + ${step}
    order by e.start_date limit 1) e
  where (select is_sampled from size)`

/**
 * Table expressions for `historyColumns`; they read `asked`, one row with the `metric` and the `lookback_days` of its rule. The result is one metric of the
 * pipeline's runs, with the baselines of detection: successful runs in the same hour of the day, in the lookback before, that are not
 * flagged for this metric. Few runs are read one by one (`runs`), each with its exact baseline. Of many runs each slot is one point
 * (`slots`), and each hour of each day has a baseline (`hours`): the same hour on the days before. It comes from sums of differences
 * from a typical value, because squares of large numbers would lose their digits. Of very many runs only a sample is read.
 */
export const historyTables = sql`
  ${ratioTable({
    pipelineId: sql`${param('id')}::bigint`,
    ids: sql`select e.id from ${pipelineExecution} e where e.pipeline_id = ${param('id')} and e.completed_successfully
      order by e.start_date desc limit ${number(MAX_RATIOS)}`,
    asked: sql`(select metric from asked) = 'rows_ratio'`,
  })},
  flagged as materialized (
    select f.pipeline_execution_id as id from ${anomalyDetectionResult} f join ${anomalyDetectionRule} r on r.id = f.rule_id
    where r.pipeline_id = ${param('id')} and r.metric_field = (select metric from asked)),
  size as materialized (
    select ${firstRuns(SINCE, MAX_POINTS + 1)} > ${number(MAX_POINTS)} as is_large,
      ${firstRuns(sql`${SINCE} - ${lookback}`, MAX_READ + 1)} > ${number(MAX_READ)} as is_sampled),
  typical as materialized (
    select coalesce((select ${value} ${runsSince(SINCE)} and e.completed_successfully order by e.start_date desc limit 1), 0) as value),
  past as (
    select e.id, e.start_date, e.end_date, e.hour_recorded, e.completed_successfully as succeeded, ${value} as value, ${isFlagged} as is_flagged
    ${runsSince(sql`${SINCE} - ${lookback} - interval '1 day'`)} and not (select is_large from size)
    order by e.start_date desc limit ${number(MAX_READ)}),
  banded as (
    select past.*, ${baseline.count} as count, ${baseline.mean} as mean, ${baseline.deviation} as deviation
    from past
    window baseline as (partition by hour_recorded order by end_date
      range between ${lookback} preceding and current row exclude current row)),
  sample as materialized (
    select ${sampled(false)} ${runsSince(sql`${SINCE} - ${lookback}`)} and (select is_large and not is_sampled from size)
    union all ${firstOfSteps(sql`${SINCE} - ${lookback}`, sql`${SINCE} - interval '1 millisecond'`, sql`${lookback} / ${number(BASELINE_STEPS)}`)}
    union all ${firstOfSteps(SINCE, sql`${param('now')}::timestamptz`, sql`${slotLength} / ${number(SLOT_STEPS)}`)}
    union all select ${sampled(true)} from (
      -- Index Only Scan Backward on pipeline_execution_failed_of_pipeline. For whole rows the planner would read the failures of all pipelines.
      select id from ${pipelineExecution} where pipeline_id = ${param('id')} and completed_successfully = false
      order by id desc limit ${number(MAX_MARKS)}) f join ${pipelineExecution} e on e.id = f.id where (select is_sampled from size)
    union all select ${sampled(true)} from (select id from flagged order by id desc limit ${number(MAX_MARKS)}) f
      join ${pipelineExecution} e on e.id = f.id where e.completed_successfully and (select is_sampled from size)),
  slot as (
    select date_bin(${slotLength}, start_date, '2000-01-01T00:00:00Z') as start_date,
      count(*) filter (where not is_extra) as runs, min(value) filter (where not is_extra) as least, max(value) filter (where not is_extra) as most,
      percentile_disc(0.5) within group (order by value) filter (where not is_extra) as value,
      count(*) filter (where not succeeded and is_extra = is_sampled) as failures, count(*) filter (where is_flagged and is_extra = is_sampled) as flags,
      max(value) filter (where is_flagged) as flagged_value,
      coalesce(max(id) filter (where is_flagged), max(id) filter (where not succeeded), max(id)) as id
    from sample cross join size
    where start_date >= ${SINCE}
    group by 1),
  hour as (
    select day, hour, count(value) as count, min(value) as least, max(value) as most,
      sum(value - (select value from typical)) as sum, sum((value - (select value from typical)) ^ 2) as squares
    from sample
    where succeeded and not is_flagged and not is_extra
    group by 1, 2),
  summed as (
    select day, hour, sum(count) over before as count, sum(sum) over before as sum, sum(squares) over before as squares,
      min(least) over before = max(most) over before as is_flat
    from hour
    window before as (partition by hour order by day range between ${lookback} preceding and interval '1 day' preceding))`

export const historyColumns = sql`
    ${bandColumns({ since: SINCE, now: sql`${param('now')}::timestamptz`, slotLength })},
    (select coalesce(jsonb_agg(id), '[]') from flagged) as flagged_ids,
    (select metric from asked) as metric, (select is_large and is_sampled from size) as is_sampled,
    (select coalesce(jsonb_agg(to_jsonb(r) order by start_date), '[]') from (
      select id, start_date, value, succeeded, is_flagged, count, mean, deviation from banded where start_date >= ${SINCE}) r) as history_runs,
    (select coalesce(jsonb_agg(to_jsonb(s) order by start_date), '[]') from slot s) as slots,
    (select coalesce(jsonb_agg(jsonb_build_object('start_date', (day + make_interval(hours => hour)) at time zone 'UTC', 'count', count,
        'mean', (select value from typical) + sum / count,
        'deviation', case when is_flat then 0 else sqrt(greatest(squares - sum * sum / count, 0) / (count - 1)) end)), '[]')
      from summed where count > 1 and day >= (${SINCE} at time zone 'UTC')::date) as hours`

/** The values of the placeholders in historyTables, for a period of `days` (7, 30 or 90). */
export const historyValues = (days: number, now: string) => ({
  since: addSeconds(now, -days * 86_400),
  slot_seconds: SLOT_SECONDS[days] ?? HOUR_SECONDS,
  now,
})

const measured = { count: amount, mean: amount.nullable(), deviation: amount.nullable() }
export const historyShape = {
  ...bandShape,
  flagged_ids: jsonOf(z.array(amount)),
  metric: z.enum(METRIC_FIELDS),
  is_sampled: z.boolean(),
  history_runs: jsonOf(
    z.array(
      z.object({ id: amount, start_date: moment, value: amount.nullable(), succeeded: z.boolean(), is_flagged: z.boolean(), ...measured }),
    ),
  ),
  slots: jsonOf(
    z.array(
      z.object({
        id: amount,
        start_date: moment,
        runs: amount,
        least: amount.nullable(),
        most: amount.nullable(),
        value: amount.nullable(),
        failures: amount,
        flags: amount,
        flagged_value: amount.nullable(),
      }),
    ),
  ),
  hours: jsonOf(z.array(z.object({ start_date: moment, ...measured }))),
}
const historyRow = z.object(historyShape)

type Rule = typeof RULE_DEFAULTS
interface Band {
  lower: number
  upper: number
}

/** The points of the chart: the runs that started in the last `days` days and have ended, in the order of their starts. */
export const pointsOf = (row: z.output<typeof historyRow>, days: number, rule: Rule = RULE_DEFAULTS): Point[] => {
  const normal = ({
    mean,
    deviation,
    ...baseline
  }: Pick<Baseline, 'count'> & { mean: number | null; deviation: number | null }): Band | null =>
    mean === null ? null : bandOf({ ...baseline, mean, deviation: deviation ?? 0 }, { ...rule, metric_field: row.metric })
  if (row.band_rule)
    return withBands(
      row.history_runs.length > 0 ? pointsOf({ ...row, band_rule: null }, days, rule) : pointsOfSlots(row),
      { ...row, slotSeconds: SLOT_SECONDS[days] ?? HOUR_SECONDS },
      row.band_rule,
    )
  if (row.history_runs.length > 0) {
    return row.history_runs.map(({ id, start_date, value, succeeded, is_flagged, ...baseline }) => ({
      id,
      start_date,
      runs: 1,
      value,
      least: value,
      most: value,
      failures: succeeded ? 0 : 1,
      flags: is_flagged ? 1 : 0,
      flaggedValue: is_flagged ? value : null,
      ...edgesOf([normal(baseline)]),
    }))
  }
  const slotSeconds = SLOT_SECONDS[days] ?? HOUR_SECONDS
  const byHour = new Map(row.hours.map((hour) => [Date.parse(hour.start_date), normal(hour)]))
  return pointsOfSlots(row).map((point) => ({
    ...point,
    ...edgesOf(hoursOf(point.start_date, slotSeconds).map((hour) => byHour.get(hour) ?? null)),
  }))
}

const pointsOfSlots = ({ slots }: z.output<typeof historyRow>): Point[] =>
  slots.map(({ flagged_value, ...slot }) => ({ ...slot, flaggedValue: flagged_value, lower: null, upper: null }))

/** The hours that a slot touches, in milliseconds. */
const hoursOf = (start: string, slotSeconds: number): number[] => {
  const hour = HOUR_SECONDS * 1000
  const first = Math.floor(Date.parse(start) / hour) * hour
  return Array.from({ length: Math.ceil(slotSeconds / HOUR_SECONDS) }, (_, index) => first + index * hour)
}

/** The lowest and highest edge of the bands; null if there is none. */
const edgesOf = (bands: (Band | null)[]): Pick<Point, 'lower' | 'upper'> => {
  const known = bands.filter((band) => band !== null)
  if (known.length === 0) return { lower: null, upper: null }
  return { lower: Math.min(...known.map(({ lower }) => lower)), upper: Math.max(...known.map(({ upper }) => upper)) }
}
