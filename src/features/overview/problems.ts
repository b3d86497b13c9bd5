import { type SQL, sql } from 'drizzle-orm'
import { param } from '../../db/statement.ts'
import { deadlineAfter, effectiveRule } from '../../db/thresholds.ts'
import { anomalyDetectionResult, anomalyDetectionRule } from '../anomalies/table.ts'
import { reason } from '../executions/reason.ts'
import { pipelineExecution } from '../executions/table.ts'
import { pipelineType } from '../pipeline-types/table.ts'
import { pipeline } from '../pipelines/table.ts'
import { timelinessPipelineExecutionLog } from '../timeliness/table.ts'

/** What counts as now. */
export const DAY_SECONDS = 86_400

/** What can be wrong with a pipeline, worst first. */
export const PROBLEMS = ['failed', 'overdue', 'stale', 'anomalous'] as const

/** What pipelines can be looked for by: `ok` is active and none of the problems. */
export const FILTERS = [...PROBLEMS, 'running', 'ok', 'inactive'] as const

/** The last run that ended is looked for among so many that were recorded last: runs overlap, and a backfill comes late. */
const NEWEST = 20

const freshness = effectiveRule('freshness')

/**
 * What is wrong now, as CTEs of one row for each pipeline that has it: `failed` (its last ended run), `overdue` (a run
 * that is logged as late and still runs, or ended within the day), `stale` (its last change is older than its rule
 * allows, by the clock, not by the log), `anomalous` (a run that ended within the day is flagged; what is flagged of older ones, as in a backfill, is history); and `running`. Placeholders: `now`, `day_ago`.
 * Every active pipeline is looked at: one Index Scan Backward each on pipeline_execution_pipeline_id for its last run.
 */
export const problems: SQL = sql`
  failed as (
    select p.id as pipeline_id, last.* from ${pipeline} p
    cross join lateral (
      select id as execution_id, end_date as since, completed_successfully, left(coalesce(${reason}, nullif(e.execution_metadata, '{}')::text), 500) as why
      from (
        select * from ${pipelineExecution} newest where newest.pipeline_id = p.id and newest.end_date is not null
        order by newest.id desc limit ${sql.raw(String(NEWEST))}) e
      order by end_date desc, id desc limit 1) last
    where p.active and not last.completed_successfully),
  late as (
    select e.pipeline_id, e.id, e.start_date, e.end_date, l.seconds_threshold from ${pipelineExecution} e
    join ${timelinessPipelineExecutionLog} l on l.pipeline_execution_id = e.id
    where e.end_date is null
    union all
    select e.pipeline_id, e.id, e.start_date, e.end_date, l.seconds_threshold from ${pipelineExecution} e
    join ${timelinessPipelineExecutionLog} l on l.pipeline_execution_id = e.id
    where e.completed_successfully and e.end_date >= ${param('day_ago')}::timestamptz),
  overdue as (
    select distinct on (pipeline_id) pipeline_id, id as execution_id, start_date as since, end_date is null as is_running, seconds_threshold,
      floor(extract(epoch from coalesce(end_date, ${param('now')}::timestamptz) - start_date)) as seconds
    from late where pipeline_id in (select id from ${pipeline} where active) order by pipeline_id, (end_date is null) desc, id desc),
  stale as (
    select p.id as pipeline_id, latest.dml as since, ${freshness.number} as number, ${freshness.datepart} as datepart
    from ${pipeline} p join ${pipelineType} t on t.id = p.pipeline_type_id
    cross join lateral (select greatest(p.last_target_insert, p.last_target_update, p.last_target_soft_delete) as dml) latest
    where ${freshness.isJudged} and latest.dml is not null
      and ${deadlineAfter(sql`latest.dml`, freshness.number, freshness.datepart)} < ${param('now')}::timestamptz),
  anomalous as (
    select distinct on (r.pipeline_id) r.pipeline_id, f.pipeline_execution_id as execution_id, f.detected_at as since, r.metric_field,
      f.violation_value, f.baseline_value, f.deviation_percentage
    from ${anomalyDetectionResult} f join ${anomalyDetectionRule} r on r.id = f.rule_id join ${pipeline} p on p.id = r.pipeline_id and p.active
    join ${pipelineExecution} e on e.id = f.pipeline_execution_id
    where f.detected_at >= ${param('day_ago')}::timestamptz and e.end_date >= ${param('day_ago')}::timestamptz
    order by r.pipeline_id, f.detected_at desc),
  running as (select distinct pipeline_id from ${pipelineExecution} where end_date is null)`
