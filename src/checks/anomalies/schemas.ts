import { z } from '@hono/zod-openapi'
import { once } from '../../core/once.ts'
import { METRIC_FIELDS } from '../../db/constraints.ts'
import { configuration } from '../../http/configuration.ts'
import { flagField, idField, instantAnswer, instantField, metricField, wholeNumber } from '../../http/fields.ts'
import { pageQuery } from '../../http/paging.ts'
import { flagText, idText } from '../../http/text-fields.ts'
import { METHODS, type MethodName } from './methods/index.ts'
import { ACCEPT_LEVEL_AFTER, DIRECTIONS, MIN_CHANGE_PERCENT, RULE_BOUNDS, SEASONS } from './rule.ts'

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

export const METHOD_NAMES = Object.keys(METHODS) as [MethodName, ...MethodName[]]
const CHANGE_FAULT = `Must be between ${MIN_CHANGE_PERCENT.min} and ${MIN_CHANGE_PERCENT.max}`

const ruleFields = once(() =>
  configuration(
    {
      min_value: z.number().openapi({ description: 'A smaller value is an anomaly, whatever was before.', example: 1 }),
      max_value: z.number().openapi({ description: 'A larger value is an anomaly, whatever was before.', example: 1000000 }),
      baseline_from: instantField('Runs that started before this time do not count.'),
      accept_level_after: wholeNumber(
        'After so many anomalies in a row on one side the new level is accepted by itself. Default: null, a person accepts it.',
        ACCEPT_LEVEL_AFTER.min,
        ACCEPT_LEVEL_AFTER.max,
        5,
      ),
    },
    {
      std_deviation_threshold_multiplier: numberSetting(
        'std_deviation_threshold_multiplier',
        'A value is an anomaly if it is more than this many standard deviations from the mean.',
      ),
      lookback_days: wholeSetting('lookback_days', 'Days of history in the baseline.'),
      minimum_executions: wholeSetting('minimum_executions', 'With fewer past executions there is no verdict.'),
      active: flagField('Whether the rule is evaluated. Default: true.'),
      method: z.enum(METHOD_NAMES).openapi({
        description:
          '`robust`: median and spread, of runs at the same hour and weekday where there are enough. `zscore` (default): mean and standard deviation, as the original. `bounds`: only `min_value` and `max_value`.',
        example: 'robust',
      }),
      direction: z.enum(DIRECTIONS).openapi({ description: 'Which side is an anomaly. Default: both.' }),
      season: z.enum(SEASONS).openapi({
        description:
          'The runs to compare with: of the same hour and weekday, else of the same hour, else all (`auto`, the default of `robust`); of the same hour (`hour`, the default of `zscore`: UTC); of the same hour and weekday; or all. Hours and weekdays are those of `schedule_timezone`.',
      }),
      min_change_percent: z.number().min(MIN_CHANGE_PERCENT.min, CHANGE_FAULT).max(MIN_CHANGE_PERCENT.max, CHANGE_FAULT).openapi({
        description: 'A smaller difference from the centre is never an anomaly, in percent. Default: 10 for `robust`, else 0.',
        minimum: MIN_CHANGE_PERCENT.min,
        maximum: MIN_CHANGE_PERCENT.max,
        example: 10,
      }),
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

/** The fields of a rule to try: those of a new one, or of a known one by its id with changes. */
export const previewPost = once(() =>
  z
    .object({
      id: idField('A rule to try changes of.').optional(),
      pipeline_id: idField('The pipeline, without `id`.').optional(),
      metric_field: metricField('The metric, without `id`.').optional(),
      days: wholeNumber('How far back runs are judged.', 1, 90, 30).optional(),
      ...ruleFields().post,
    })
    .refine(({ id, pipeline_id, metric_field }) => id !== undefined || (pipeline_id !== undefined && metric_field !== undefined), {
      path: ['id'],
      message: 'Required: the id of a rule, or a pipeline_id and a metric_field',
    })
    .openapi('AnomalyDetectionRulePreviewPost'),
)

export const previewAnswer = once(() =>
  z
    .object({
      runs: z.int().openapi({ description: 'How many runs the rule would have judged.' }),
      flagged: z.array(
        z
          .object({
            pipeline_execution_id: z.int(),
            start_date: instantAnswer(),
            value: z.number(),
            lower: z.number().nullable(),
            upper: z.number().nullable(),
            explanation: z.string(),
          })
          .openapi('PreviewedAnomaly'),
      ),
      rate: z.number().openapi({ description: 'The share of the judged runs that it would have flagged.', minimum: 0, maximum: 1 }),
      flagged_by_present: z
        .int()
        .nullable()
        .openapi({ description: 'How many of these runs the present rule flagged; null: there is none.' }),
    })
    .openapi('AnomalyDetectionRulePreview'),
)

export const acceptedAnswer = once(() =>
  z
    .object({
      baseline_from: instantAnswer().openapi({ description: 'Runs that started before this time do not count any more.' }),
      withdrawn: z.int().openapi({ description: 'How many anomalies were withdrawn.' }),
    })
    .openapi('AcceptedLevel'),
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
      method: z.enum(METHOD_NAMES),
      direction: z.enum(DIRECTIONS),
      season: z.enum(SEASONS),
      min_change_percent: z.number(),
      min_value: z.number().nullable(),
      max_value: z.number().nullable(),
      baseline_from: instantAnswer().nullable(),
      accept_level_after: z.int().nullable(),
      created_at: instantAnswer(),
      updated_at: instantAnswer().nullable(),
    })
    .openapi('AnomalyDetectionRule'),
)
