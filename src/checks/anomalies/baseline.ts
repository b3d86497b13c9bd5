import { type SQL, sql } from 'drizzle-orm'
import { RUN_METRICS } from '../../db/constraints.ts'
import { FUNCTIONS } from '../../db/functions.ts'

/** The ratios by id, or null where nobody asks for them. */
export const RATIOS = sql`(select by_id from ratio)`

/** The value of the metric `name` in the row `execution`, as a double: exact enough for percentages and roots. Beside it stands `ratioTable`. */
export const metricOf = (name: SQL, execution: SQL): SQL => sql`case ${name}
  ${sql.join(RUN_METRICS.map((metric) => sql`when ${sql.raw(`'${metric}'`)} then ${execution}.${sql.identifier(metric)}::double precision `))}
  when 'rows_ratio' then (${RATIOS} ->> ${execution}.id::text)::double precision end`

/**
 * The table expression `ratio`, which `metricOf` and `runColumns` read: rows_ratio of the runs with these ids, by id (see rows-ratios.sql). It reads
 * other pipelines' runs: `asked` is true only where a rule watches it.
 */
export const ratioTable = ({ pipelineId, ids, asked }: Record<'pipelineId' | 'ids' | 'asked', SQL>): SQL =>
  sql`ratio as materialized (select ${sql.raw(FUNCTIONS.rows_ratios)}(${pipelineId}, array(${ids})) as by_id where ${asked})`

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
