import { type SQL, sql } from 'drizzle-orm'
import { RUN_METRICS } from '../../db/constraints.ts'
import { FUNCTIONS } from '../../db/functions.ts'

/** The value of the metric `name` in the row `execution`, as a double: exact enough for percentages and roots. `ratios`: see rowsRatios. */
export const metricOf = (name: SQL, execution: SQL, ratios: SQL): SQL => sql`case ${name}
  ${sql.join(RUN_METRICS.map((metric) => sql`when ${sql.raw(`'${metric}'`)} then ${execution}.${sql.identifier(metric)}::double precision `))}
  when 'rows_ratio' then (${ratios} ->> ${execution}.id::text)::double precision end`

/** rows-ratios.sql describes it: the ratios of the runs with these ids, as a map. It reads other pipelines' runs: ask only where a rule does. */
export const rowsRatios = (pipelineId: SQL, ids: SQL): SQL => sql`${sql.raw(FUNCTIONS.rows_ratios)}(${pipelineId}, array(${ids}))`

/** How far back a baseline reaches: days of 24 hours, also when the clocks change. */
export const lookbackOf = (days: SQL): SQL => sql`make_interval(hours => 24 * ${days})`

/**
 * The aggregates of a baseline, for detection and for the chart's band: count, mean and sample standard deviation. `over`
 * limits them to the baseline, with a filter or a window; it is empty if the whole query is the baseline.
 */
export const baselineOf = (value: SQL, over: SQL = sql``) => ({
  count: sql`count(${value}) ${over}`,
  mean: sql`avg(${value}) ${over}`,
  // Rounding would give equal fractions a tiny deviation; equal values must have the deviation 0.
  deviation: sql`case when min(${value}) ${over} = max(${value}) ${over} then 0 else stddev_samp(${value}) ${over} end`,
})
