import { z } from 'zod'
import { formatInstant } from '../core/instant.ts'
import { once } from '../core/once.ts'
import { DATEPARTS, METRIC_FIELDS } from '../db/constraints.ts'

/** More items than this are counted, not listed. */
export const MOST_ITEMS = 20

/** PostgreSQL puts timestamps into JSON in its own form. */
const instant = z.string().transform(formatInstant)

/** A JSON number; our reader takes whole ones beyond 2^53 for bigint. */
const amount = z.union([z.number(), z.bigint()]).transform(Number)

const found = {
  /** When it was found. */
  at: instant,
  /** How many there are in all; `items` holds the first MOST_ITEMS. */
  count: z.int(),
}

/** What an alert says, as the payload of its `send_alert` job. One schema for what the checks record and what Slack is told. */
export const alertSchema = once(() =>
  z.discriminatedUnion('alert', [
    z.object({
      alert: z.literal('timeliness'),
      ...found,
      items: z.array(
        z.object({
          pipeline_execution_id: z.int(),
          pipeline_id: z.int(),
          duration_seconds: z.int(),
          execution_status: z.enum(['running', 'completed']),
          timely_number: z.int(),
          timely_datepart: z.enum(DATEPARTS),
          used_child_config: z.boolean(),
        }),
      ),
    }),
    z.object({
      alert: z.literal('freshness'),
      ...found,
      items: z.array(
        z.object({
          pipeline_id: z.int(),
          pipeline_name: z.string(),
          last_dml_timestamp: instant,
          freshness_number: z.int(),
          freshness_datepart: z.enum(DATEPARTS),
        }),
      ),
    }),
    z.object({
      alert: z.literal('anomaly'),
      ...found,
      pipeline_id: z.int(),
      metric_field: z.enum(METRIC_FIELDS),
      threshold_multiplier: z.number(),
      lookback_days: z.int(),
      items: z.array(
        z.object({
          pipeline_execution_id: z.int(),
          violation_value: amount,
          baseline_value: amount,
          deviation_percentage: amount.nullable(),
          confidence_score: amount,
        }),
      ),
    }),
    z.object({
      alert: z.literal('queue'),
      at: instant,
      level: z.enum(['warning', 'critical']),
      total_pending: z.int(),
      /** Waiting jobs by kind. */
      breakdown: z.record(z.string(), z.int()),
    }),
  ]),
)

export type Alert = z.output<ReturnType<typeof alertSchema>>
