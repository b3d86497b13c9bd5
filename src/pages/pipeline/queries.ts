import { type SQL, sql } from 'drizzle-orm'
import { RULE_DEFAULTS } from '../../checks/anomalies/rule.ts'
import { anomalyDetectionResult, anomalyDetectionRule } from '../../checks/anomalies/table.ts'
import type { Database } from '../../db/client.ts'
import { effective } from '../../db/on-call.ts'
import { param, prepare } from '../../db/statement.ts'
import { address } from '../../features/addresses/table.ts'
import { reason } from '../../features/executions/reason.ts'
import { pipelineExecution, pipelineExecutionClosure, pipelineExecutionLog } from '../../features/executions/table.ts'
import { addressLineage, addressLineageClosure } from '../../features/lineage/table.ts'
import { pipelineActivity } from '../../features/pipeline-activity/table.ts'
import { pipelineType } from '../../features/pipeline-types/table.ts'
import { pipeline } from '../../features/pipelines/table.ts'
import { incident } from '../../incidents/table.ts'
import { findingWords, isSilenced } from '../frame/problems.ts'
import { historyColumns, historyTables, historyValues, pointsOf } from './history.ts'
import { pipelineRow } from './row.ts'
import { type PipelineQuery, SUGGESTED_FROM } from './shape.ts'

export const RUN_ROWS = 25
/** A page shows this many parts of its runs, starting with the parts of the newest runs. */
export const MAX_PARTS = 500
const MAX_FAILED_PARTS = 10
const MAX_NEIGHBOURS = 50
const MAX_LOGS = 20
const MAX_LOG_LETTERS = 4_000

const ROWS = { pipeline: sql.raw('subject'), type: sql.raw('t') }

/** A run `e` as the page shows it, with its anomalies and whether it was late. */
const run = sql`jsonb_build_object('id', e.id, 'pipeline_id', e.pipeline_id, 'parent_id', e.parent_id, 'start_date', e.start_date, 'end_date', e.end_date,
  'duration_seconds', e.duration_seconds, 'completed_successfully', e.completed_successfully, 'inserts', e.inserts, 'updates', e.updates,
  'soft_deletes', e.soft_deletes, 'total_rows', e.total_rows, 'watermark', e.watermark, 'next_watermark', e.next_watermark,
  'why', left(${reason(sql`e`)}, 500),
  'pipeline_name', (select name from ${pipeline} where id = e.pipeline_id),
  'findings', ${findingWords(sql`e.id`)},
  'flags', (select coalesce(jsonb_agg(jsonb_build_object('metric_field', r.metric_field, 'violation_value', f.violation_value,
      'baseline_value', f.baseline_value, 'deviation_percentage', f.deviation_percentage, 'rule_id', f.rule_id, 'explanation', f.explanation,
      'new_level_since', f.context ->> 'new_level_since') order by r.metric_field), '[]')
    from ${anomalyDetectionResult} f join ${anomalyDetectionRule} r on r.id = f.rule_id where f.pipeline_execution_id = e.id))`

/** The pipeline, and the steps that are parts of the shown runs: what those read and write is what it reads and writes. */
const OWN = sql`(select id from subject union select p.id from part join ${pipeline} p on p.id = part.pipeline_id where p.is_step)`

const neighbours = (side: 'source' | 'target') => sql`(select coalesce(jsonb_agg(to_jsonb(n)), '[]') from (
  select distinct a.id, a.name, a.deprecated from ${addressLineage} l join ${address} a on a.id = l.${sql.raw(side)}_address_id
  where l.pipeline_id in ${OWN} order by a.name limit ${sql.raw(String(MAX_NEIGHBOURS))}) n)`

/** The texts that came with the pings of the run `e`, oldest first; of each the end. */
const logs = sql`(select coalesce(jsonb_agg(to_jsonb(l) order by l.received_at), '[]') from (
  select o.source, o.received_at, right(o.body, ${sql.raw(String(MAX_LOG_LETTERS))}) as body from ${pipelineExecutionLog} o where o.pipeline_execution_id = e.id
  order by o.id desc limit ${sql.raw(String(MAX_LOGS))}) l)`

/** Of the failed run `e`: the parts that failed, at every depth, the deepest first: nearest to the cause. Index pipeline_execution_closure_ancestor. */
const failedParts = sql`(select case when not e.completed_successfully then (
  select coalesce(jsonb_agg(to_jsonb(f)), '[]') from (
    select below.id, below.pipeline_id, (select name from ${pipeline} where id = below.pipeline_id) as pipeline_name
    from ${pipelineExecutionClosure} c join ${pipelineExecution} below on below.id = c.descendant_id
    where c.ancestor_id = e.id and c.depth > 0 and not below.completed_successfully
    order by c.depth desc, below.end_date, below.id limit ${sql.raw(String(MAX_FAILED_PARTS))}) f) else '[]' end)`

const openIncidents = sql`
  select id, kind, severity, state, opened_at, details, acknowledged_by, pipeline_id from ${incident}
  where coalesce(pipeline_id, 0) = ${param('id')}::bigint and resolved_at is null`

/** The metric that is flagged of the newest of some runs `e` of the pipeline; null if none is. */
const flaggedMetric = (where: SQL) => sql`(
  select r.metric_field from ${anomalyDetectionResult} f join ${anomalyDetectionRule} r on r.id = f.rule_id
  join ${pipelineExecution} e on e.id = f.pipeline_execution_id
  where e.pipeline_id = ${param('id')} and ${where} order by e.id desc, r.metric_field limit 1)`

const reported = sql`coalesce((
  select jsonb_build_object('runs', count(*), 'total_rows', count(total_rows), 'inserts', count(inserts), 'updates', count(updates)) from (
    select e.* from ${pipelineExecution} e where e.pipeline_id = ${param('id')} and e.completed_successfully order by e.start_date desc limit ${sql.raw(String(SUGGESTED_FROM))}) e
  where not exists (select from ${anomalyDetectionRule} r where r.pipeline_id = ${param('id')})), 'null')`

/**
 * A pipeline with its type, rules, lineage and one page of its runs, newest first. The page lists each run with its parts, but
 * not a run that is a part of another run of this pipeline. It lists ids below `before`; `chosen` is a run to show by itself. The chart
 * shows `metric`; if that is null, the one that is flagged: of the chosen run, else of the newest flagged one while it is an open incident.
 */
const PIPELINE = prepare(sql`
  with subject as (select * from ${pipeline} where id = ${param('id')}),
  root as (
    select e.* from ${pipelineExecution} e
    where e.pipeline_id = ${param('id')} and (${param('before')}::bigint is null or e.id < ${param('before')}::bigint)
      and not exists (select from ${pipelineExecution} parent where parent.id = e.parent_id and parent.pipeline_id = e.pipeline_id)
    order by e.id desc limit ${sql.raw(String(RUN_ROWS + 1))}),
  part as (
    select e.*, below.root_id from (
      select c.descendant_id as id, max(shown.id) as root_id from (select id from root order by id desc limit ${sql.raw(String(RUN_ROWS))}) shown
      join ${pipelineExecutionClosure} c on c.ancestor_id = shown.id and c.depth > 0
      group by c.descendant_id) below
    join ${pipelineExecution} e on e.id = below.id
    order by below.root_id desc, e.id limit ${sql.raw(String(MAX_PARTS + 1))}),
  below as (
    select reader.pipeline_id, min(reached.depth) as depth from (
      select c.target_address_id as id, min(c.depth) as depth
      from (select distinct target_address_id as id from ${addressLineage} where pipeline_id in ${OWN}) own
      join ${addressLineageClosure} c on c.source_address_id = own.id
      group by c.target_address_id) reached
    cross join lateral (select distinct l.pipeline_id from ${addressLineage} l where l.source_address_id = reached.id) reader
    where reader.pipeline_id not in ${OWN}
    group by reader.pipeline_id),
  shown as (
    select coalesce(${param('metric')}::text, ${flaggedMetric(sql`e.id = ${param('chosen')}::bigint`)},
      (select ${flaggedMetric(sql`e.id in (select id from root)`)} where exists (${openIncidents} and kind = 'anomaly')), 'duration_seconds') as metric),
  asked as materialized (
    select shown.metric, coalesce(r.lookback_days, ${sql.raw(String(RULE_DEFAULTS.lookback_days))}) as lookback_days
    from shown left join ${anomalyDetectionRule} r on r.pipeline_id = ${param('id')} and r.metric_field = shown.metric and r.active),
  ${historyTables}
  select
    to_jsonb(subject) - 'config_hash' || jsonb_build_object('type', to_jsonb(t), 'owner', ${effective('owner', ROWS)}, 'runbook_url', ${effective('runbook_url', ROWS)}) as pipeline,
    (select to_jsonb(a) from ${pipelineActivity} a where a.pipeline_id = subject.id) as activity,
    (select coalesce(jsonb_agg(to_jsonb(i) || jsonb_build_object('is_silenced', ${isSilenced}) order by i.id), '[]') from (
      ${openIncidents}) i) as incidents,
    (select coalesce(jsonb_agg(to_jsonb(r) order by r.metric_field), '[]') from ${anomalyDetectionRule} r where r.pipeline_id = subject.id) as rules,
    ${reported} as reported,
    ${neighbours('source')} as sources, ${neighbours('target')} as targets,
    (select count(*) from below)::int::text as downstream_count,
    (select coalesce(jsonb_agg(to_jsonb(b) order by b.depth, b.name), '[]') from (
      select p.id, p.name, below.depth from below join ${pipeline} p on p.id = below.pipeline_id order by below.depth, p.name limit 30) b) as downstream,
    (select coalesce(jsonb_agg(${run} order by e.id desc), '[]') from root e) as runs,
    (select coalesce(jsonb_agg(${run} order by e.root_id desc, e.id), '[]') from part e) as parts,
    (select ${run} || jsonb_build_object('metadata', e.execution_metadata, 'logs', ${logs}, 'failed_parts', ${failedParts}) from ${pipelineExecution} e where e.id = ${param('chosen')}::bigint and e.pipeline_id = subject.id) as chosen,
    ${historyColumns}
  from subject join ${pipelineType} t on t.id = subject.pipeline_type_id`)

/** Reads all of the page; undefined if the pipeline does not exist. */
export const readPipeline = async (db: Database, id: number, query: PipelineQuery, now: string) => {
  const { before = null, execution: chosen = null, metric = null } = query
  const days = Number(query.days)
  const [details] = await db.rows(PIPELINE, pipelineRow, { id, before, chosen, metric, ...historyValues(days, now) })
  if (!details) return undefined
  const rule = details.rules.find(({ metric_field, active }) => metric_field === details.metric && active)
  return { details, rule, history: pointsOf(details, days, rule) }
}
