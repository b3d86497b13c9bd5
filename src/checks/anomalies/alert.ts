import { z } from 'zod'
import { once } from '../../core/once.ts'
import { METRIC_FIELDS } from '../../db/constraints.ts'
import { alertAmount, alertKind, foundFields } from '../../notifications/alert.ts'

const payload = once(() =>
  z.object({
    ...foundFields,
    pipeline_id: z.int(),
    metric_field: z.enum(METRIC_FIELDS),
    threshold_multiplier: z.number(),
    lookback_days: z.int(),
    items: z.array(
      z.object({
        pipeline_execution_id: z.int(),
        violation_value: alertAmount,
        baseline_value: alertAmount,
        deviation_percentage: alertAmount.nullable(),
        confidence_score: alertAmount,
      }),
    ),
  }),
)

/** Anomalies of one metric of one pipeline, in the original's words. */
export const anomalyAlert = alertKind('anomaly', payload, (alert) => ({
  at: alert.at,
  level: 'WARNING',
  title: 'Anomaly Detection',
  message: `Anomaly detected in pipeline ${alert.pipeline_id} - ${alert.count} execution(s) flagged`,
  details: [
    ['Metric', alert.metric_field],
    ['Threshold Multiplier', withDecimals(alert.threshold_multiplier)],
    ['Lookback Days', String(alert.lookback_days)],
    [
      'Anomalies',
      '-',
      alert.items.map(
        (item) =>
          `Execution ID ${item.pipeline_execution_id}: ${inValue(item.violation_value)} (baseline: ${item.baseline_value.toFixed(2)}, deviation: ${item.deviation_percentage === null ? 'n/a' : `${item.deviation_percentage.toFixed(1)}%`}, confidence: ${item.confidence_score.toFixed(2)})`,
      ),
      alert.count,
    ],
  ],
}))

/** `2.0`, `2.25` */
const withDecimals = (value: number): string => (Number.isInteger(value) ? value.toFixed(1) : String(value))

/** Whole numbers as they are, others with two decimals. */
const inValue = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(2))
