import { z } from '@hono/zod-openapi'
import { once } from '../../core/once.ts'
import { METRIC_FIELDS } from '../../db/constraints.ts'
import { configuration } from '../../http/configuration.ts'
import { flagField, idField, instantAnswer, metricField, wholeNumber } from '../../http/fields.ts'
import { pageQuery } from '../../http/paging.ts'
import { flagText, idText, instantText } from '../../http/text-fields.ts'
import { RULE_BOUNDS } from './rule.ts'

/** A number within the bounds of a rule's setting. */
const numberSetting = (name: keyof typeof RULE_BOUNDS, description: string) => {
  const { min, max, default: initially } = RULE_BOUNDS[name]
  const fault = `Must be between ${min} and ${max}`
  return z
    .number()
    .min(min, fault)
    .max(max, fault)
    .openapi({ description: `${description} Default: ${initially}.`, minimum: min, maximum: max, example: initially })
}

const wholeSetting = (name: keyof typeof RULE_BOUNDS, description: string) => {
  const { min, max, default: initially } = RULE_BOUNDS[name]
  return wholeNumber(`${description} Default: ${initially}.`, min, max, initially)
}

const ruleFields = once(() =>
  configuration(
    {},
    {
      std_deviation_threshold_multiplier: numberSetting(
        'std_deviation_threshold_multiplier',
        'A value is an anomaly if it is more than this many standard deviations from the mean.',
      ),
      lookback_days: wholeSetting('lookback_days', 'Days of history in the baseline.'),
      minimum_executions: wholeSetting('minimum_executions', 'With fewer past executions there is no verdict.'),
      active: flagField('Whether the rule is evaluated. Default: true.'),
    },
  ),
)

export const rulePost = once(() =>
  z
    .object({
      pipeline_id: idField('The pipeline to watch.'),
      metric_field: metricField('The metric to watch.'),
      ...ruleFields().post,
    })
    .openapi('AnomalyDetectionRulePost'),
)

export type RulePost = z.output<ReturnType<typeof rulePost>>

/** A rule has no name: only its id identifies it. */
export const rulePatch = once(() =>
  z
    .object({
      id: idField('The rule to change.'),
      pipeline_id: idField('The pipeline to watch.').optional(),
      metric_field: metricField('The metric to watch.').optional(),
      ...ruleFields().patch,
    })
    .transform(({ id, ...changes }) => ({ target: { id }, changes }))
    .openapi('AnomalyDetectionRulePatch'),
)

export const ruleFilters = once(() => ({
  ...pageQuery(),
  pipeline_id: idText('Only rules of this pipeline.').optional(),
  active: flagText('true: only active rules; false: only inactive rules.').optional(),
}))

export const ruleAnswer = once(() =>
  z
    .object({
      id: z.int(),
      pipeline_id: z.int(),
      metric_field: z.enum(METRIC_FIELDS),
      std_deviation_threshold_multiplier: z.number(),
      lookback_days: z.int(),
      minimum_executions: z.int(),
      active: z.boolean(),
      created_at: instantAnswer(),
      updated_at: instantAnswer().nullable(),
    })
    .openapi('AnomalyDetectionRule'),
)

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
      baseline_value: z.number().openapi({ description: 'The mean of the runs in the baseline.', example: 164945.45 }),
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
        })
        .openapi('AnomalyContext'),
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
