import { sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Database } from '../../db/client.ts'
import { METRIC_FIELDS } from '../../db/constraints.ts'
import { decimal, truth, whole } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { pipelineExecution } from '../../features/executions/table.ts'
import { pipeline } from '../../features/pipelines/table.ts'
import { baselineOf, lookbackOf, metricOf } from './baseline.ts'
import { anomalyDetectionResult, anomalyDetectionRule } from './table.ts'
import { type Anomaly, bandOf, judge } from './verdict.ts'

const ruleMetric = metricOf(sql`r.metric_field`, sql`e`)
const past = baselineOf(sql`past.value`)

/**
 * The tested execution, and for each active rule of its pipeline the value and its baseline. The baseline has the successful
 * runs of the same hour that ended within the rule's lookback before the tested one ended, without the tested one and
 * without those that the rule flagged. The lookback counts from the execution, not from now: the verdict does not depend on
 * when the job runs. One Index Scan per rule on pipeline_execution_baseline; the latest execution is the latest of each
 * hour's latest. Rows: one per rule, or one without a rule; none if the pipeline is unknown.
 */
const MEASURE = prepare(sql`
  with subject as (select id from ${pipeline} where id = ${param('pipeline_id')}),
  latest as (
    select e.id from generate_series(0, 23) hour
    cross join lateral (
      select id, end_date from ${pipelineExecution}
      where pipeline_id = ${param('pipeline_id')} and hour_recorded = hour and completed_successfully
      order by end_date desc, id desc limit 1) e
    where ${param('execution_id')}::bigint is null
    order by e.end_date desc, e.id desc limit 1),
  tested as (
    select * from ${pipelineExecution}
    where id = coalesce(${param('execution_id')}::bigint, (select id from latest)) and pipeline_id = ${param('pipeline_id')})
  select tested.id as execution_id, coalesce(tested.completed_successfully, false) as succeeded,
    r.id as rule_id, r.metric_field, r.std_deviation_threshold_multiplier, r.lookback_days, r.minimum_executions,
    b.value, b.count, b.mean, b.deviation
  from subject
  left join tested on true
  left join ${anomalyDetectionRule} r on r.pipeline_id = subject.id and r.active and tested.completed_successfully
  left join lateral (
    select (select ${ruleMetric} from tested e) as value, ${past.count} as count, ${past.mean} as mean,
      ${past.deviation} as deviation
    from (
      select ${ruleMetric} as value
      from ${pipelineExecution} e
      where e.pipeline_id = r.pipeline_id and e.hour_recorded = tested.hour_recorded and e.completed_successfully
        and e.end_date between tested.end_date - ${lookbackOf(sql`r.lookback_days`)} and tested.end_date and e.id <> tested.id
        and not exists (select from ${anomalyDetectionResult} flagged where flagged.pipeline_execution_id = e.id and flagged.rule_id = r.id)
    ) past) b on r.id is not null
  order by r.id`)

const measuredRow = z.object({
  execution_id: whole.nullable(),
  succeeded: truth,
  rule_id: whole.nullable(),
  metric_field: z.enum(METRIC_FIELDS).nullable(),
  std_deviation_threshold_multiplier: decimal.nullable(),
  lookback_days: whole.nullable(),
  minimum_executions: whole.nullable(),
  value: decimal.nullable(),
  count: whole.nullable(),
  mean: decimal.nullable(),
  deviation: decimal.nullable(),
})

const ruleRow = z.object({
  rule_id: z.number(),
  metric_field: z.enum(METRIC_FIELDS),
  std_deviation_threshold_multiplier: z.number(),
  lookback_days: z.number(),
  minimum_executions: z.number(),
  value: z.number().nullable(),
  count: z.number(),
  mean: z.number().nullable(),
  deviation: z.number().nullable(),
})

export interface Detection {
  /** null: the pipeline has no such execution, or none that succeeded. */
  executionId: number | null
  succeeded: boolean
  rulesEvaluated: number
  anomalies: (Anomaly & { rule_id: number })[]
  /** The rules that found the execution normal. A rule without a value, or with too few earlier ones, has not judged it. */
  cleanRuleIds: number[]
}

/** Judges an execution by its pipeline's active rules; without an id, the latest successful one. undefined: no such pipeline. */
export const detectAnomalies = async (db: Database, pipelineId: number, executionId: number | null): Promise<Detection | undefined> => {
  const rows = await db.rows(MEASURE, measuredRow, { pipeline_id: pipelineId, execution_id: executionId })
  const [first] = rows
  if (!first) return undefined
  const rules = rows.filter((row) => row.rule_id !== null).map((row) => ruleRow.parse(row))
  const anomalies: Detection['anomalies'] = []
  const cleanRuleIds: number[] = []
  for (const { rule_id, value, count, mean, deviation, ...rule } of rules) {
    if (value === null || mean === null) continue
    const baseline = { count, mean, deviation: deviation ?? 0 }
    const anomaly = judge(value, baseline, rule)
    if (anomaly) anomalies.push({ ...anomaly, rule_id })
    else if (bandOf(baseline, rule)) cleanRuleIds.push(rule_id)
  }
  return { executionId: first.execution_id, succeeded: first.succeeded, rulesEvaluated: rules.length, anomalies, cleanRuleIds }
}
