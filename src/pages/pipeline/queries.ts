import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { RULE_DEFAULTS } from '../../checks/anomalies/rule.ts'
import { anomalyDetectionResult, anomalyDetectionRule } from '../../checks/anomalies/table.ts'
import type { Database } from '../../db/client.ts'
import { METRIC_FIELDS } from '../../db/constraints.ts'
import { effective } from '../../db/on-call.ts'
import { amount, jsonOf, moment } from '../../db/rows.ts'
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
import { historyColumns, historyShape, historyTables, historyValues, pointsOf } from './history.ts'
import type { PipelineQuery } from './shape.ts'

export const RUN_ROWS = 25
/** A page shows this many parts of its runs, starting with the parts of the newest runs. */
export const MAX_PARTS = 500
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

const neighbours = (side: 'source' | 'target') => sql`(select coalesce(jsonb_agg(to_jsonb(n)), '[]') from (
  select distinct a.id, a.name, a.deprecated from ${addressLineage} l join ${address} a on a.id = l.${sql.raw(side)}_address_id
  where l.pipeline_id = subject.id order by a.name limit ${sql.raw(String(MAX_NEIGHBOURS))}) n)`

/** The texts that came with the pings of the run `e`, oldest first; of each the end. */
const logs = sql`(select coalesce(jsonb_agg(to_jsonb(l) order by l.received_at), '[]') from (
  select o.source, o.received_at, right(o.body, ${sql.raw(String(MAX_LOG_LETTERS))}) as body from ${pipelineExecutionLog} o where o.pipeline_execution_id = e.id
  order by o.id desc limit ${sql.raw(String(MAX_LOGS))}) l)`

const openIncidents = sql`
  select id, kind, severity, state, opened_at, details, acknowledged_by, pipeline_id from ${incident}
  where coalesce(pipeline_id, 0) = ${param('id')}::bigint and resolved_at is null`

/** The metric that is flagged of the newest of some runs `e` of the pipeline; null if none is. */
const flaggedMetric = (where: SQL) => sql`(
  select r.metric_field from ${anomalyDetectionResult} f join ${anomalyDetectionRule} r on r.id = f.rule_id
  join ${pipelineExecution} e on e.id = f.pipeline_execution_id
  where e.pipeline_id = ${param('id')} and ${where} order by e.id desc, r.metric_field limit 1)`

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
      from (select distinct target_address_id as id from ${addressLineage} where pipeline_id = ${param('id')}) own
      join ${addressLineageClosure} c on c.source_address_id = own.id
      group by c.target_address_id) reached
    cross join lateral (select distinct l.pipeline_id from ${addressLineage} l where l.source_address_id = reached.id) reader
    where reader.pipeline_id <> ${param('id')}
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
    ${neighbours('source')} as sources, ${neighbours('target')} as targets,
    (select count(*) from below)::int::text as downstream_count,
    (select coalesce(jsonb_agg(to_jsonb(b) order by b.depth, b.name), '[]') from (
      select p.id, p.name, below.depth from below join ${pipeline} p on p.id = below.pipeline_id order by below.depth, p.name limit 30) b) as downstream,
    (select coalesce(jsonb_agg(${run} order by e.id desc), '[]') from root e) as runs,
    (select coalesce(jsonb_agg(${run} order by e.root_id desc, e.id), '[]') from part e) as parts,
    (select ${run} || jsonb_build_object('metadata', e.execution_metadata, 'logs', ${logs}) from ${pipelineExecution} e where e.id = ${param('chosen')}::bigint and e.pipeline_id = subject.id) as chosen,
    ${historyColumns}
  from subject join ${pipelineType} t on t.id = subject.pipeline_type_id`)

const runShape = z.object({
  id: amount,
  pipeline_id: amount,
  pipeline_name: z.string(),
  parent_id: amount.nullable(),
  start_date: moment,
  end_date: moment.nullable(),
  duration_seconds: amount.nullable(),
  completed_successfully: z.boolean().nullable(),
  inserts: amount.nullable(),
  updates: amount.nullable(),
  soft_deletes: amount.nullable(),
  total_rows: amount.nullable(),
  watermark: z.string().nullable(),
  next_watermark: z.string().nullable(),
  why: z.string().nullable(),
  findings: z.array(z.string()),
  flags: z.array(
    z.object({
      metric_field: z.enum(METRIC_FIELDS),
      violation_value: amount,
      baseline_value: amount,
      deviation_percentage: amount.nullable(),
      rule_id: amount,
      explanation: z.string().nullable(),
      new_level_since: z.string().nullable(),
    }),
  ),
})
export type Run = z.output<typeof runShape>

const thresholds = {
  freshness_number: amount.nullable(),
  freshness_datepart: z.string().nullable(),
  mute_freshness_check: z.boolean(),
  timeliness_number: amount.nullable(),
  timeliness_datepart: z.string().nullable(),
  mute_timeliness_check: z.boolean(),
}
const addressShape = z.object({ id: amount, name: z.string(), deprecated: z.boolean() })

const pipelineRow = z.object({
  pipeline: jsonOf(
    z.object({
      id: amount,
      name: z.string(),
      active: z.boolean(),
      load_lineage: z.boolean(),
      full_load: z.boolean(),
      watermark: z.string().nullable(),
      next_watermark: z.string().nullable(),
      pipeline_metadata: z.record(z.string(), z.unknown()).nullable(),
      last_target_insert: moment.nullable(),
      last_target_update: moment.nullable(),
      last_target_soft_delete: moment.nullable(),
      openlineage: z.object({ namespace: z.string(), name: z.string() }).nullable(),
      owner: z.string().nullable(),
      runbook_url: z.string().nullable(),
      tags: z.array(z.string()),
      schedule_cron: z.string().nullable(),
      schedule_timezone: z.string().nullable(),
      schedule_number: amount.nullable(),
      schedule_datepart: z.string().nullable(),
      schedule_slot_at: moment.nullable(),
      created_at: moment,
      updated_at: moment.nullable(),
      ...thresholds,
      type: z.object({ id: amount, name: z.string(), ...thresholds }),
    }),
  ),
  /** What a sweep keeps of its latest runs; null: it has none. */
  activity: jsonOf(z.object({ longest_seconds: amount.nullable(), typical_rows: amount.nullable() })).nullable(),
  incidents: jsonOf(
    z.array(
      z.object({
        id: amount,
        kind: z.string(),
        severity: z.string(),
        state: z.string(),
        opened_at: moment,
        details: z.unknown(),
        acknowledged_by: z.string().nullable(),
        is_silenced: z.boolean(),
      }),
    ),
  ),
  rules: jsonOf(
    z.array(
      z.object({
        id: amount,
        metric_field: z.enum(METRIC_FIELDS),
        std_deviation_threshold_multiplier: amount,
        lookback_days: amount,
        minimum_executions: amount,
        active: z.boolean(),
        method: z.string(),
        season: z.string(),
        direction: z.string(),
        min_change_percent: amount,
        min_value: amount.nullable(),
        max_value: amount.nullable(),
        baseline_from: moment.nullable(),
      }),
    ),
  ),
  sources: jsonOf(z.array(addressShape)),
  targets: jsonOf(z.array(addressShape)),
  downstream_count: z.string().transform(Number),
  downstream: jsonOf(z.array(z.object({ id: amount, name: z.string(), depth: amount }))),
  runs: jsonOf(z.array(runShape)),
  parts: jsonOf(z.array(runShape)),
  chosen: jsonOf(
    runShape.extend({
      metadata: z.record(z.string(), z.unknown()).nullable(),
      logs: z.array(z.object({ source: z.string(), received_at: moment, body: z.string() })),
    }),
  ).nullable(),
  ...historyShape,
})
export type PipelineDetails = z.output<typeof pipelineRow>

/** Reads all of the page; undefined if the pipeline does not exist. */
export const readPipeline = async (db: Database, id: number, query: PipelineQuery, now: string) => {
  const { before = null, execution: chosen = null, metric = null } = query
  const days = Number(query.days)
  const [details] = await db.rows(PIPELINE, pipelineRow, { id, before, chosen, metric, ...historyValues(days, now) })
  if (!details) return undefined
  const rule = details.rules.find(({ metric_field, active }) => metric_field === details.metric && active)
  return { details, rule, history: pointsOf(details, days, rule) }
}
