import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { once } from '../../core/once.ts'
import type { Database } from '../../db/client.ts'
import { literals } from '../../db/constraints.ts'
import { jsonOf, truth, whole } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { pipelineExecution } from '../../features/executions/table.ts'
import { pipeline } from '../../features/pipelines/table.ts'
import { lookbackOf, ratioTable } from './baseline.ts'
import { flagShape, flagsOf, historyTables, PAST, ruleColumns, ruleShape, runColumns, runsOf, runsShape, weeklyDays } from './history.ts'
import { judgeRun } from './judge.ts'
import { levelSince } from './level.ts'
import { WEEKLY_SEASONS } from './pools.ts'
import { anomalyDetectionRule } from './table.ts'
import type { Anomaly } from './verdict.ts'

/**
 * The tested execution, the active rules of its pipeline with what they have flagged, and the runs to compare it with. The lookback counts
 * from the execution, not from now: the verdict does not depend on when the job runs. One row; none if the pipeline is unknown. Without an
 * id the latest execution is the latest of each hour's latest.
 */
const MEASURE = once(() =>
  prepare(sql`
  with subject as (select id, coalesce(schedule_timezone, 'UTC') as zone, is_streaming from ${pipeline} where id = ${param('pipeline_id')}),
  latest as (
    select e.id from generate_series(0, 23) hour
    cross join lateral (
      select id, end_date from ${pipelineExecution}
      where pipeline_id = ${param('pipeline_id')} and hour_recorded = hour and completed_successfully
      order by end_date desc, id desc limit 1) e
    where ${param('execution_id')}::bigint is null
    order by e.end_date desc, e.id desc limit 1),
  tested as materialized (
    select * from ${pipelineExecution}
    where id = coalesce(${param('execution_id')}::bigint, (select id from latest)) and pipeline_id = ${param('pipeline_id')}),
  rule as materialized (
    -- How long a run that never ends by itself takes is not judged.
    select r.* from subject join tested on tested.completed_successfully join ${anomalyDetectionRule} r on r.pipeline_id = subject.id and r.active
    where not (subject.is_streaming and r.metric_field = 'duration_seconds')),
  asked as materialized (
    select tested.pipeline_id, tested.start_date, tested.end_date as until, subject.zone, tested.start_date at time zone subject.zone as local, limits.days,
      ${lookbackOf(sql`limits.days`)} as lookback, ${weeklyDays(sql`limits.days`)} as weekly_days, limits.is_weekly
    from tested cross join subject cross join (
      select max(lookback_days) as days, bool_or(method <> 'bounds' and season in (${literals(WEEKLY_SEASONS)})) as is_weekly from rule having count(*) > 0) limits),
  ${historyTables},
  ${ratioTable({
    pipelineId: sql`${param('pipeline_id')}::bigint`,
    ids: sql`select id from ${PAST} union select id from tested`,
    asked: sql`exists (select from rule where metric_field = 'rows_ratio')`,
  })}
  select tested.id as execution_id, coalesce(tested.completed_successfully, false) as succeeded,
    coalesce(case when tested.completed_successfully then jsonb_build_array(${runColumns(sql`tested`, sql`subject.zone`)}) end, '[]') as tested,
    (select coalesce(jsonb_agg(${ruleColumns} || jsonb_build_object('flags', ${flagsOf(sql`r.id`, PAST)}) order by r.id), '[]') from rule r) as rules,
    (select coalesce(jsonb_agg(${runColumns(PAST, sql`subject.zone`)}), '[]') from ${PAST}) as past,
    coalesce((select is_large from size), false) as is_sample
  from subject left join tested on true`),
)

const measuredRow = once(() =>
  z.object({
    execution_id: whole.nullable(),
    succeeded: truth,
    tested: jsonOf(runsShape),
    rules: jsonOf(z.array(ruleShape.extend({ flags: z.array(flagShape) }))),
    past: jsonOf(runsShape),
    is_sample: truth,
  }),
)

export interface Detection {
  /** null: the pipeline has no such execution, or none that succeeded. */
  executionId: number | null
  succeeded: boolean
  rulesEvaluated: number
  anomalies: (Anomaly & { rule_id: number })[]
  /** The rules that found the execution normal. A rule without a value, or with too few earlier ones, has not judged it. */
  cleanRuleIds: number[]
  /** Rules that accept the new level by themselves with this execution. */
  acceptedRuleIds: number[]
}

/** Judges an execution by its pipeline's active rules; without an id, the latest successful one. undefined: no such pipeline. */
export const detectAnomalies = async (db: Database, pipelineId: number, executionId: number | null): Promise<Detection | undefined> => {
  const [row] = await db.rows(MEASURE(), measuredRow(), { pipeline_id: pipelineId, execution_id: executionId })
  if (!row) return undefined
  const detection: Detection = {
    executionId: row.execution_id,
    succeeded: row.succeeded,
    rulesEvaluated: row.rules.length,
    anomalies: [],
    cleanRuleIds: [],
    acceptedRuleIds: [],
  }
  const [tested] = runsOf(row.tested)
  if (!tested) return detection
  const past = runsOf(row.past)
  for (const { id: rule_id, flags, accept_level_after, ...rule } of row.rules) {
    const flagged = new Map(flags)
    const verdict = judgeRun(tested, past, rule, flagged, row.is_sample)
    if (verdict === null) continue
    if (verdict.isNormal) {
      detection.cleanRuleIds.push(rule_id)
      continue
    }
    const { anomaly } = verdict
    const level = levelSince(tested, anomaly.context.direction, past, rule, flagged)
    if (level) anomaly.context.new_level_since = new Date(level.start * 1000).toISOString()
    if (level && accept_level_after !== null && level.runs >= accept_level_after) detection.acceptedRuleIds.push(rule_id)
    detection.anomalies.push({ ...anomaly, rule_id })
  }
  return detection
}
