import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { grouped, roughly } from '../../core/figures.ts'
import { inMinutes } from '../../core/instant.ts'
import { amount } from '../../db/rows.ts'
import { pipelineExecution } from '../../features/executions/table.ts'
import type { Check, Names } from '../check.ts'
import { anomalyAlert } from './alert.ts'
import { anomalyDetectionResult, anomalyDetectionRule } from './table.ts'

const evidence = z.object({
  pipeline_execution_id: amount,
  metric_field: z.string(),
  violation_value: amount,
  baseline_value: amount,
  deviation_percentage: amount.nullable(),
  explanation: z.string().nullish(),
  context: z.object({ new_level_since: z.string().optional() }).nullish(),
})
export type AnomalousRun = z.output<typeof evidence>

/** The columns of a result, as logged and returned. */
export const RESULT_COLUMNS = sql`id, pipeline_execution_id, rule_id, violation_value, baseline_value, deviation_percentage, confidence_score, context, explanation, detected_at`

/** The execution that is judged. */
const testedOf = (value: Names['value']) =>
  sql`(select id, end_date from ${pipelineExecution} where id = ${value('execution_id')}::bigint) tested`

/** True if the rule `r` found the execution normal, and none that ended later. */
const isClean = (value: Names['value']) =>
  sql`r.id = any(${value('clean')}::bigint[]) and (r.clean_end is null or (tested.end_date, tested.id) > (r.clean_end, r.clean_id))`

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
  explain: ({ metric_field, violation_value, baseline_value, deviation_percentage: percent, explanation, context }) => {
    const since = context?.new_level_since
    if (explanation)
      return since === undefined ? explanation : `${explanation}. A new level since ${inMinutes(since)}: accept it, or look for the cause`
    const share = percent === null ? '' : ` (${percent > 0 ? '+' : '−'}${grouped(Math.abs(percent))} %)`
    return `${metric_field} was ${roughly(violation_value)}, usually ${roughly(baseline_value)}${share}`
  },
  alert: anomalyAlert,

  wrong: ({ value }) => sql`
    select r.id as subject, r.pipeline_id, (select end_date from ${testedOf(value)}) as since, to_jsonb(f) || jsonb_build_object(
      'pipeline_execution_id', ${value('execution_id')}::bigint, 'metric_field', r.metric_field) as evidence
    from jsonb_to_recordset(${value('anomalies')}::jsonb) as f(rule_id bigint, violation_value double precision,
      baseline_value double precision, deviation_percentage double precision, confidence_score double precision, context jsonb, explanation text)
    join ${anomalyDetectionRule} r on r.id = f.rule_id`,

  /** The row lock makes cleanup wait. If cleanup was first, there is no execution to flag. */
  logFound: ({ found, now, value }) => sql`
    insert into ${anomalyDetectionResult} (pipeline_execution_id, rule_id, violation_value, baseline_value, deviation_percentage,
      confidence_score, context, explanation, detected_at)
    select kept.id, f.subject, (f.evidence ->> 'violation_value')::double precision, (f.evidence ->> 'baseline_value')::double precision,
      (f.evidence ->> 'deviation_percentage')::double precision, (f.evidence ->> 'confidence_score')::double precision,
      f.evidence -> 'context', f.evidence ->> 'explanation', ${now}
    from ${found} f cross join (select id from ${pipelineExecution} where id = ${value('execution_id')}::bigint for key share) kept
    order by f.subject
    on conflict do nothing
    returning rule_id as subject, ${RESULT_COLUMNS}`,

  /** Runs may be judged in another order than they ended: what lies before a run that the rule found normal is over. */
  isNews: ({ value }, f) => sql`not exists (
    select from ${anomalyDetectionRule} r, ${testedOf(value)} where r.id = ${f}.subject and (r.clean_end, r.clean_id) > (tested.end_date, tested.id))`,

  /** How far the rules have judged, also those that found this execution normal (the value `clean`, a list of ids): see settle.sql. */
  alsoWrites: ({ found, value }) => sql`judged as (
    update ${anomalyDetectionRule} r set
      judged_end = case when r.judged_end is null or (tested.end_date, tested.id) > (r.judged_end, r.judged_id) then tested.end_date else r.judged_end end,
      judged_id = case when r.judged_end is null or (tested.end_date, tested.id) > (r.judged_end, r.judged_id) then tested.id else r.judged_id end,
      clean_end = case when ${isClean(value)} then tested.end_date else r.clean_end end,
      clean_id = case when ${isClean(value)} then tested.id else r.clean_id end
    from ${testedOf(value)} where r.id = any(${value('clean')}::bigint[]) or r.id in (select subject from ${found}))`,

  /** One alert for each metric, as in the original. */
  alertPayloads: ({ logged, now }) => sql`
    select jsonb_build_object('alert', 'anomaly', 'at', ${now}, 'count', 1, 'pipeline_id', r.pipeline_id, 'metric_field', r.metric_field,
      'threshold_multiplier', r.std_deviation_threshold_multiplier, 'lookback_days', r.lookback_days,
      'items', jsonb_build_array(to_jsonb(l) - 'subject' - 'context' - 'explanation' - 'detected_at')) as payload
    from ${logged} l join ${anomalyDetectionRule} r on r.id = l.subject
    order by l.id`,

  countOpen: ({ dayAgo }) => sql`select count(*) from ${anomalyDetectionResult} where detected_at >= ${dayAgo}`,
}
