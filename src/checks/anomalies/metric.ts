import { type SQL, sql } from 'drizzle-orm'
import { METRIC_FIELDS } from '../../db/constraints.ts'

/** The metric of this name of an execution `e`. Percentages and roots follow, so that a double is as exact as it needs to be. */
export const metricOf = (name: SQL): SQL => sql`case ${name}
  ${sql.join(METRIC_FIELDS.map((metric) => sql.raw(`when '${metric}' then e.${metric}::double precision `)))} end`
