import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { METRIC_FIELDS } from '../../db/checks.ts'
import type { Database } from '../../db/client.ts'
import { jsonOf, moment } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { address } from '../addresses/table.ts'
import { anomalyDetectionResult, anomalyDetectionRule } from '../anomalies/table.ts'
import { pipelineExecution, pipelineExecutionClosure } from '../executions/table.ts'
import { addressLineage, addressLineageClosure } from '../lineage/table.ts'
import { pipelineType } from '../pipeline-types/table.ts'
import { pipeline } from '../pipelines/table.ts'
import { timelinessPipelineExecutionLog } from '../timeliness/table.ts'

export const RUN_ROWS = 25
/** Of the parts of the runs on a page so many are shown. */
const MOST_PARTS = 500
const MOST_NEIGHBOURS = 50

/** A run `e` as the table shows it: with what was flagged, and whether it was late. */
const run = sql`jsonb_build_object('id', e.id, 'pipeline_id', e.pipeline_id, 'parent_id', e.parent_id, 'start_date', e.start_date, 'end_date', e.end_date,
  'duration_seconds', e.duration_seconds, 'completed_successfully', e.completed_successfully, 'inserts', e.inserts, 'updates', e.updates,
  'soft_deletes', e.soft_deletes, 'total_rows', e.total_rows, 'watermark', e.watermark, 'next_watermark', e.next_watermark, 'full_load', e.full_load,
  'metadata', e.execution_metadata, 'pipeline_name', (select name from ${pipeline} where id = e.pipeline_id),
  'is_late', exists (select from ${timelinessPipelineExecutionLog} l where l.pipeline_execution_id = e.id),
  'flags', (select coalesce(jsonb_agg(jsonb_build_object('metric_field', r.metric_field, 'violation_value', f.violation_value,
      'baseline_value', f.baseline_value, 'deviation_percentage', f.deviation_percentage) order by r.metric_field), '[]')
    from ${anomalyDetectionResult} f join ${anomalyDetectionRule} r on r.id = f.rule_id where f.pipeline_execution_id = e.id))`

const neighbours = (side: 'source' | 'target') => sql`(select coalesce(jsonb_agg(to_jsonb(n)), '[]') from (
  select distinct a.id, a.name, a.deprecated from ${addressLineage} l join ${address} a on a.id = l.${sql.raw(side)}_address_id
  where l.pipeline_id = subject.id order by a.name limit ${sql.raw(String(MOST_NEIGHBOURS))}) n)`

/**
 * A pipeline with its type, rules, lineage and one page of its runs, newest first: those that are no part of another run of
 * the same pipeline, each with its parts. `before` is the id after which the page begins, `chosen` a run to show by itself.
 */
const PIPELINE = prepare(sql`
  with subject as (select * from ${pipeline} where id = ${param('id')}),
  root as (
    select e.* from ${pipelineExecution} e
    where e.pipeline_id = ${param('id')} and (${param('before')}::bigint is null or e.id < ${param('before')}::bigint)
      and not exists (select from ${pipelineExecution} parent where parent.id = e.parent_id and parent.pipeline_id = e.pipeline_id)
    order by e.id desc limit ${sql.raw(String(RUN_ROWS + 1))}),
  part as (
    select e.* from root join ${pipelineExecutionClosure} c on c.ancestor_id = root.id and c.depth > 0
    join ${pipelineExecution} e on e.id = c.descendant_id
    order by e.id limit ${sql.raw(String(MOST_PARTS))}),
  below as (
    select reader.pipeline_id, min(c.depth) as depth from ${addressLineage} own
    join ${addressLineageClosure} c on c.source_address_id = own.target_address_id
    join ${addressLineage} reader on reader.source_address_id = c.target_address_id
    where own.pipeline_id = ${param('id')} and reader.pipeline_id <> ${param('id')}
    group by reader.pipeline_id)
  select
    to_jsonb(subject) - 'config_hash' || jsonb_build_object('type', to_jsonb(t)) as pipeline,
    (select coalesce(jsonb_agg(to_jsonb(r) order by r.metric_field), '[]') from ${anomalyDetectionRule} r where r.pipeline_id = subject.id) as rules,
    ${neighbours('source')} as sources, ${neighbours('target')} as targets,
    (select count(*) from below)::int::text as downstream_count,
    (select coalesce(jsonb_agg(to_jsonb(b) order by b.depth, b.name), '[]') from (
      select p.id, p.name, below.depth from below join ${pipeline} p on p.id = below.pipeline_id order by below.depth, p.name limit 30) b) as downstream,
    (select coalesce(jsonb_agg(${run} order by e.id desc), '[]') from root e) as runs,
    (select coalesce(jsonb_agg(${run} order by e.id), '[]') from part e) as parts,
    (select ${run} from ${pipelineExecution} e where e.id = ${param('chosen')}::bigint and e.pipeline_id = subject.id) as chosen
  from subject join ${pipelineType} t on t.id = subject.pipeline_type_id`)

const runShape = z.object({
  id: z.number(),
  pipeline_id: z.number(),
  pipeline_name: z.string(),
  parent_id: z.number().nullable(),
  start_date: moment,
  end_date: moment.nullable(),
  duration_seconds: z.number().nullable(),
  completed_successfully: z.boolean().nullable(),
  inserts: z.number().nullable(),
  updates: z.number().nullable(),
  soft_deletes: z.number().nullable(),
  total_rows: z.number().nullable(),
  watermark: z.string().nullable(),
  next_watermark: z.string().nullable(),
  full_load: z.boolean(),
  metadata: z.record(z.string(), z.unknown()).nullable(),
  is_late: z.boolean(),
  flags: z.array(
    z.object({
      metric_field: z.enum(METRIC_FIELDS),
      violation_value: z.number(),
      baseline_value: z.number(),
      deviation_percentage: z.number().nullable(),
    }),
  ),
})
export type Run = z.output<typeof runShape>

const thresholds = {
  freshness_number: z.number().nullable(),
  freshness_datepart: z.string().nullable(),
  mute_freshness_check: z.boolean(),
  timeliness_number: z.number().nullable(),
  timeliness_datepart: z.string().nullable(),
  mute_timeliness_check: z.boolean(),
}
const addressShape = z.object({ id: z.number(), name: z.string(), deprecated: z.boolean() })

const pipelineRow = z.object({
  pipeline: jsonOf(
    z.object({
      id: z.number(),
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
      created_at: moment,
      updated_at: moment.nullable(),
      ...thresholds,
      type: z.object({ id: z.number(), name: z.string(), ...thresholds }),
    }),
  ),
  rules: jsonOf(
    z.array(
      z.object({
        id: z.number(),
        metric_field: z.enum(METRIC_FIELDS),
        std_deviation_threshold_multiplier: z.number(),
        lookback_days: z.number(),
        minimum_executions: z.number(),
        active: z.boolean(),
      }),
    ),
  ),
  sources: jsonOf(z.array(addressShape)),
  targets: jsonOf(z.array(addressShape)),
  downstream_count: z.string().transform(Number),
  downstream: jsonOf(z.array(z.object({ id: z.number(), name: z.string(), depth: z.number() }))),
  runs: jsonOf(z.array(runShape)),
  parts: jsonOf(z.array(runShape)),
  chosen: jsonOf(runShape).nullable(),
})
export type PipelineDetails = z.output<typeof pipelineRow>

/** undefined: there is no such pipeline. */
export const readPipeline = async (db: Database, id: number, before: number | undefined, chosen: number | undefined) =>
  (await db.rows(PIPELINE, pipelineRow, { id, before: before ?? null, chosen: chosen ?? null }))[0]
