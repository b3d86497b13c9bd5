import { type SQL, sql } from 'drizzle-orm'
import { METRIC_FIELDS } from '../../db/constraints.ts'

/** The metric of this name of `execution`, the name of a row. Percentages and roots follow: a double is exact enough. */
export const metricOf = (name: SQL, execution: SQL): SQL => sql`case ${name}
  ${sql.join(METRIC_FIELDS.map((metric) => sql`when ${sql.raw(`'${metric}'`)} then ${execution}.${sql.identifier(metric)}::double precision `))} end`

/** How far back a baseline reaches: days of 24 hours, whatever the clock does. */
export const lookbackOf = (days: SQL): SQL => sql`make_interval(hours => 24 * ${days})`

/**
 * What a baseline says of its values, for detection and for the chart's band alike: their count, mean and sample standard
 * deviation. `over` is what makes the aggregates look at the baseline, a filter or a window; nothing where it is the whole query.
 */
export const baselineOf = (value: SQL, over: SQL = sql``) => ({
  count: sql`count(${value}) ${over}`,
  mean: sql`avg(${value}) ${over}`,
  // Rounding makes the deviation of equal fractions a tiny number; what is flat is to be 0.
  deviation: sql`case when min(${value}) ${over} = max(${value}) ${over} then 0 else stddev_samp(${value}) ${over} end`,
})
