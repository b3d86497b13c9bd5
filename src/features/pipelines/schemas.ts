import { z } from '@hono/zod-openapi'
import { once } from '../../core/once.ts'
import { configuration } from '../../http/configuration.ts'
import {
  clearable,
  flagField,
  idField,
  instantAnswer,
  metadataField,
  nameField,
  requireWholeThresholds,
  thresholdAnswer,
  thresholdFields,
  watermarkField,
} from '../../http/fields.ts'
import { effectiveAnswer, onCallAnswer, onCallFields, tagsField } from '../../http/on-call-fields.ts'
import { pageQuery } from '../../http/paging.ts'
import { patchBody } from '../../http/patch.ts'
import { requireOneSchedule, scheduleAnswer, scheduleFields } from '../../http/schedule-fields.ts'
import { flagText, idText, nameText } from '../../http/text-fields.ts'
import { watermarkCheckField } from '../watermarks/schemas.ts'

/** The fields that a client may configure. POST and PATCH both take them from here. */
const pipelineFields = once(() =>
  configuration(
    {
      next_watermark: watermarkField('Where the next run will stop.'),
      pipeline_metadata: metadataField('Arguments and configuration of the pipeline.'),
      ...thresholdFields().emptiable,
      ...onCallFields(),
      ...scheduleFields(),
      watermark_check: watermarkCheckField(),
    },
    {
      ...thresholdFields().kept,
      load_lineage: flagField('Whether the next run should post its lineage. A successful run sets it to false. Default: true.'),
      full_load: flagField('The default of `full_load` for its executions. Default: false.'),
      tags: tagsField('For filters and channels. A POST without it leaves them as they are; `[]` removes all.'),
    },
  ),
)

export const pipelinePost = once(() =>
  z
    .object({
      name: nameField('Unique, case-insensitive. Use the name of your DAG or job.', 'stock-price-worker'),
      pipeline_type_name: nameField('The pipeline type. It is created if it is new.', 'api-integration'),
      ...pipelineFields().post,
    })
    .superRefine(requireWholeThresholds)
    .superRefine(requireOneSchedule)
    .openapi('PipelinePost'),
)

export type PipelinePost = z.output<ReturnType<typeof pipelinePost>>

export const pipelinePostAnswer = once(() =>
  z
    .object({
      id: z.int().openapi({ example: 1 }),
      active: z.boolean().openapi({ description: 'Whether the run should continue.' }),
      load_lineage: z.boolean().openapi({ description: 'Whether the run should post its lineage.' }),
      watermark: z
        .string()
        .nullable()
        .openapi({ description: 'Where the last successful run stopped; null before the first.', example: '100' }),
    })
    .openapi('PipelineCreated'),
)

export const pipelinePatch = once(() =>
  patchBody(
    'pipeline',
    {
      pipeline_type_id: idField('The pipeline type.').optional(),
      watermark: clearable(watermarkField('Where the last successful run stopped.')),
      ...pipelineFields().patch,
      active: flagField('false: the pipeline is not checked, and its code is told not to run.').optional(),
    },
    ['pipeline_id'],
  ).openapi('PipelinePatch'),
)

export const pipelineFilters = once(() => ({
  ...pageQuery(),
  name: nameText('Only the pipeline with this name (case-insensitive).').optional(),
  pipeline_type_id: idText('Only pipelines of this type.').optional(),
  owner: nameText('Only pipelines of this owner, or of a type of this owner.').optional(),
  tag: nameText('Only pipelines with this tag.').optional(),
  active: flagText('true: only active pipelines; false: only inactive pipelines.').optional(),
  include_steps: flagText('Also steps, which OpenLineage reports of Spark and dbt: parts of other jobs. Default: false.').default(false),
}))

const pipelineRow = () => ({
  id: z.int(),
  name: z.string().openapi({ example: 'stock-price-worker' }),
  pipeline_type_id: z.int(),
  watermark: z.string().nullable(),
  next_watermark: z.string().nullable(),
  pipeline_metadata: z.record(z.string(), z.unknown()).nullable(),
  last_target_insert: instantAnswer().nullable(),
  last_target_update: instantAnswer().nullable(),
  last_target_soft_delete: instantAnswer().nullable(),
  ...thresholdAnswer(),
  ...onCallAnswer(),
  ...scheduleAnswer(),
  watermark_check: watermarkCheckField().nullable(),
  tags: z.array(z.string()).openapi({ description: 'Sorted.', example: ['finance'] }),
  load_lineage: z.boolean(),
  full_load: z.boolean(),
  active: z.boolean(),
  openlineage: z
    .object({ namespace: z.string(), name: z.string() })
    .openapi('OpenLineageJob')
    .or(z.null())
    .openapi({ description: 'The job of OpenLineage that the pipeline is.' }),
  config_hash: z.string().nullable().openapi({ description: 'SHA-256 of the last posted configuration.' }),
  created_at: instantAnswer(),
  updated_at: instantAnswer().nullable(),
})

export const pipelineAnswer = once(() => z.object(pipelineRow()).openapi('Pipeline'))

export const pipelineWithEffective = once(() =>
  z
    .object({
      ...pipelineRow(),
      effective: effectiveAnswer(),
      next_expected_at: instantAnswer().nullable().openapi({ description: 'When the next run is expected to start, by the schedule.' }),
    })
    .openapi('PipelineWithEffective'),
)
