import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { grouped, roughly } from '../../core/figures.ts'
import { amount } from '../../db/rows.ts'
import { pipelineExecution } from '../../features/executions/table.ts'
import type { Check } from '../check.ts'
import { anomalyAlert } from './alert.ts'
import { anomalyDetectionResult, anomalyDetectionRule } from './table.ts'

const evidence = z.object({
  pipeline_execution_id: amount,
  metric_field: z.string(),
  violation_value: amount,
  baseline_value: amount,
  deviation_percentage: amount.nullable(),
})
export type AnomalousRun = z.output<typeof evidence>

/** The columns of a result, as logged and returned. */
export const RESULT_COLUMNS = sql`id, pipeline_execution_id, rule_id, violation_value, baseline_value, deviation_percentage, confidence_score, context, detected_at`

/**
 * Loads that are not normal. TypeScript decides (verdict.ts) and passes its findings for the execution `execution_id` as the
 * value `anomalies`, a JSON list. Each is logged once per execution and rule. The finding of a rule that no longer exists is
 * ignored.
 */
export const anomalyCheck: Check<AnomalousRun> = {
  kind: 'anomaly',
  badge: { word: 'anomalous', sign: '≠', tone: 'anomalous' },
  incidentKind: 'anomaly',
  incidentTitle: 'Anomaly Detected',
  log: { table: anomalyDetectionResult, goesWith: 'its execution' },
  evidence: () => evidence,
  explain: ({ metric_field, violation_value, baseline_value, deviation_percentage: percent }) => {
    const share = percent === null ? '' : ` (${percent > 0 ? '+' : '−'}${grouped(Math.abs(percent))} %)`
    return `${metric_field} was ${roughly(violation_value)}, usually ${roughly(baseline_value)}${share}`
  },
  alert: anomalyAlert,

  wrong: ({ now, value }) => sql`
    select r.id as subject, r.pipeline_id, ${now} as since, to_jsonb(f) || jsonb_build_object(
      'pipeline_execution_id', ${value('execution_id')}::bigint, 'metric_field', r.metric_field) as evidence
    from jsonb_to_recordset(${value('anomalies')}::jsonb) as f(rule_id bigint, violation_value double precision,
      baseline_value double precision, deviation_percentage double precision, confidence_score double precision, context jsonb)
    join ${anomalyDetectionRule} r on r.id = f.rule_id`,

  /** The row lock makes cleanup wait. If cleanup was first, there is no execution to flag. */
  logFound: ({ found, now, value }) => sql`
    insert into ${anomalyDetectionResult} (pipeline_execution_id, rule_id, violation_value, baseline_value, deviation_percentage,
      confidence_score, context, detected_at)
    select kept.id, f.subject, (f.evidence ->> 'violation_value')::double precision, (f.evidence ->> 'baseline_value')::double precision,
      (f.evidence ->> 'deviation_percentage')::double precision, (f.evidence ->> 'confidence_score')::double precision,
      f.evidence -> 'context', ${now}
    from ${found} f cross join (select id from ${pipelineExecution} where id = ${value('execution_id')}::bigint for key share) kept
    order by f.subject
    on conflict do nothing
    returning rule_id as subject, ${RESULT_COLUMNS}`,

  /** One alert for each metric, as in the original. */
  alertPayloads: ({ logged, now }) => sql`
    select jsonb_build_object('alert', 'anomaly', 'at', ${now}, 'count', 1, 'pipeline_id', r.pipeline_id, 'metric_field', r.metric_field,
      'threshold_multiplier', r.std_deviation_threshold_multiplier, 'lookback_days', r.lookback_days,
      'items', jsonb_build_array(to_jsonb(l) - 'subject' - 'context' - 'detected_at')) as payload
    from ${logged} l join ${anomalyDetectionRule} r on r.id = l.subject
    order by l.id`,

  countOpen: ({ dayAgo }) => sql`select count(*) from ${anomalyDetectionResult} where detected_at >= ${dayAgo}`,
}
