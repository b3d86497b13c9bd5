import { z } from 'zod'
import { METRIC_FIELDS } from '../../db/constraints.ts'
import { amount, jsonOf, moment } from '../../db/rows.ts'
import { historyShape } from './history.ts'

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

/** A row of the page's statement. */
export const pipelineRow = z.object({
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
      is_streaming: z.boolean(),
      watermark_check: z.object({ stall_runs: amount.nullable(), allow_regress: z.boolean(), max_gap: amount.nullable() }).nullable(),
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
  /** Of a pipeline without rules: its last good runs, at most 20, and how many of them report which metric. null: it has rules. */
  reported: jsonOf(z.object({ runs: amount, total_rows: amount, inserts: amount, updates: amount }).nullable()),
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
      /** Of a failed run: the first of its parts that failed. */
      failed_parts: z.array(z.object({ id: amount, pipeline_id: amount, pipeline_name: z.string() })),
    }),
  ).nullable(),
  ...historyShape,
})
export type PipelineDetails = z.output<typeof pipelineRow>
