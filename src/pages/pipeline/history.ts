import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { baselineOf, lookbackOf, metricOf } from '../../checks/anomalies/baseline.ts'
import { RULE_DEFAULTS } from '../../checks/anomalies/rule.ts'
import { anomalyDetectionResult, anomalyDetectionRule } from '../../checks/anomalies/table.ts'
import { bandOf, type MetricField } from '../../checks/anomalies/verdict.ts'
import { addSeconds } from '../../core/instant.ts'
import type { Database } from '../../db/client.ts'
import { decimal, moment, truth, whole } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { pipelineExecution } from '../../features/executions/table.ts'
import type { Point } from './shape.ts'

/** A chart of more points is unreadable: the newest are drawn, and the page says so. */
export const MAX_POINTS = 2_000

/** Runs to compute baselines from: two months at one run a minute. */
const MAX_PAST = 100_000

const value = metricOf(sql`${param('metric')}::text`, sql`e`)
const lookback = lookbackOf(sql`${param('lookback_days')}::int`)
const baseline = baselineOf(sql`value`, sql`filter (where succeeded and not is_flagged) over baseline`)

/**
 * One metric of the pipeline's runs, and the mean and standard deviation of each run's baseline, as in detection: the other successful
 * runs in the same hour of the day that ended in the lookback before it and are not flagged for this metric.
 */
const HISTORY = prepare(sql`
  with past as (
    select e.id, e.start_date, e.end_date, e.hour_recorded, e.completed_successfully as succeeded, ${value} as value,
      exists (select from ${anomalyDetectionResult} f join ${anomalyDetectionRule} r on r.id = f.rule_id
        where f.pipeline_execution_id = e.id and r.metric_field = ${param('metric')}) as is_flagged
    from ${pipelineExecution} e
    where e.pipeline_id = ${param('id')} and e.end_date >= ${param('since')}::timestamptz - ${lookback}
    order by e.id desc limit ${sql.raw(String(MAX_PAST))}),
  banded as (
    select past.*, ${baseline.count} as count, ${baseline.mean} as mean, ${baseline.deviation} as deviation
    from past
    window baseline as (partition by hour_recorded order by end_date
      range between ${lookback} preceding and current row exclude current row))
  select id, start_date, value, succeeded, is_flagged, count, mean, deviation from (
    select * from banded where end_date >= ${param('since')}::timestamptz order by start_date desc limit ${sql.raw(String(MAX_POINTS))}) shown
  order by start_date`)

const pointRow = z.object({
  id: whole,
  start_date: moment,
  value: decimal.nullable(),
  succeeded: truth,
  is_flagged: truth,
  count: whole,
  mean: decimal.nullable(),
  deviation: decimal.nullable(),
})

type Rule = typeof RULE_DEFAULTS

/** Reads the runs that ended in the last `days` days, in the order of their starts. */
export const readHistory = async (
  db: Database,
  { id, metric, days, rule = RULE_DEFAULTS }: { id: number; metric: MetricField; days: number; rule?: Rule | undefined },
  now: string,
): Promise<Point[]> => {
  const rows = await db.rows(HISTORY, pointRow, { id, metric, since: addSeconds(now, -days * 86_400), lookback_days: rule.lookback_days })
  return rows.map(({ count, mean, deviation, is_flagged, ...point }) => {
    const band = mean === null ? null : bandOf({ count, mean, deviation: deviation ?? 0 }, { ...rule, metric_field: metric })
    const { lower, upper } = band ?? { lower: null, upper: null }
    return { ...point, isFlagged: is_flagged, lower, upper }
  })
}
