import { z } from '@hono/zod-openapi'
import { once } from '../../core/once.ts'
import { METRIC_FIELDS } from '../../db/constraints.ts'
import { idField, instantAnswer, metricField } from '../../http/fields.ts'
import { pageQuery } from '../../http/paging.ts'
import { idText, instantText } from '../../http/text-fields.ts'
import { METHOD_NAMES } from './schemas.ts'

export const detectionQuery = once(() => ({
  pipeline_execution_id: idText("The execution to judge. Default: the pipeline's latest successful one.").optional(),
}))

export const resultFilters = once(() => ({
  ...pageQuery(),
  pipeline_id: idText('Only anomalies of this pipeline.').optional(),
  rule_id: idText('Only anomalies that this rule flagged.').optional(),
  pipeline_execution_id: idText('Only anomalies of this execution.').optional(),
  detected_after: instantText('Only anomalies detected after this time.').optional(),
}))

/** On which side of the band a value lies. */
export const DEVIATION_DIRECTIONS = ['above', 'below'] as const

export const resultAnswer = once(() =>
  z
    .object({
      id: z.int(),
      pipeline_execution_id: z.int(),
      rule_id: z.int(),
      pipeline_id: z.int(),
      metric_field: z.enum(METRIC_FIELDS),
      violation_value: z.number().openapi({ description: "The execution's value.", example: 1814400 }),
      baseline_value: z
        .number()
        .openapi({ description: 'The mean or median of the runs in the baseline, or the limit that was crossed.', example: 164945.45 }),
      deviation_percentage: z
        .number()
        .nullable()
        .openapi({ description: 'Difference from the mean in percent, negative below it; null if the mean is 0.', example: 1000 }),
      confidence_score: z.number().openapi({
        description: 'Two-sided normal probability of a smaller deviation: 0.954 at two standard deviations, 0.997 at three.',
        minimum: 0,
        maximum: 1,
        example: 0.997,
      }),
      context: z
        .object({
          direction: z.enum(DEVIATION_DIRECTIONS),
          z_score: z.number().openapi({ description: 'Standard deviations from the mean, negative below it.' }),
          baseline_std: z.number().openapi({ description: 'Sample standard deviation. For a flat baseline: 1 % of the mean, at least 1.' }),
          threshold_multiplier: z.number(),
          lower_threshold: z.number(),
          upper_threshold: z.number(),
          lookback_days: z.int(),
          execution_count: z.int().openapi({ description: 'How many runs the baseline has.' }),
          method: z.enum(METHOD_NAMES).optional(),
          pool: z
            .string()
            .optional()
            .openapi({ description: 'Which runs the baseline has: `same hour and weekday`, `same hour` or `all`.' }),
          pool_because: z
            .string()
            .optional()
            .openapi({ description: 'Why not a pool that the season prefers.', example: 'fewer than 5 runs of the same hour and weekday' }),
          is_sample: z
            .boolean()
            .optional()
            .openapi({ description: 'true: there are so many runs that the baseline has an even sample of them.' }),
          left_out: z.int().optional().openapi({ description: 'How many runs were left out because the rule had flagged them.' }),
          limit: z.number().optional().openapi({ description: 'The hard limit that was crossed.' }),
          new_level_since: z
            .string()
            .optional()
            .openapi({ description: 'When the first of at least five anomalies in a row on one side started.' }),
        })
        .openapi('AnomalyContext'),
      explanation: z.string().nullable().openapi({
        description: 'One sentence: the value, and what is usual. null in results of earlier versions.',
        example: '1,204 rows; Mondays at 06:00 have 48,000 to 61,000 (median 54,210 of 12 runs)',
      }),
      detected_at: instantAnswer(),
    })
    .openapi('Anomaly'),
)

export const detectionAnswer = once(() =>
  z
    .object({
      pipeline_id: z.int(),
      pipeline_execution_id: z.int(),
      rules_evaluated: z.int().openapi({ description: 'How many active rules the pipeline has.' }),
      anomalies: z.array(resultAnswer()).openapi({ description: 'All anomalies of the execution, also those flagged earlier.' }),
    })
    .openapi('Detection'),
)

export const unflagPost = once(() =>
  z
    .object({
      pipeline_id: idField('The pipeline.'),
      pipeline_execution_id: idField('The execution whose load was normal.'),
      metric_field: z
        .array(metricField('A metric.'))
        .min(1, 'Must name at least one metric')
        .max(100, 'Must name at most 100 metrics')
        .openapi({ description: 'The metrics to unflag.', example: ['inserts', 'total_rows'] }),
    })
    .openapi('UnflagPost'),
)
