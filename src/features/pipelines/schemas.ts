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
import { pageQuery } from '../../http/paging.ts'
import { patchBody } from '../../http/patch.ts'
import { flagText, idText, nameText } from '../../http/text-fields.ts'

/** What a client may configure: a new field is added here, for POST and PATCH. */
const pipelineFields = once(() =>
  configuration(
    {
      next_watermark: watermarkField('Where the next run will stop.'),
      pipeline_metadata: metadataField('Arguments and configuration of the pipeline.'),
      ...thresholdFields().emptiable,
    },
    {
      ...thresholdFields().kept,
      load_lineage: flagField('Ask the next run to post its lineage; a successful run sets it back to false. Initially true.'),
      full_load: flagField('Default of `full_load` for its executions. Initially false.'),
    },
  ),
)

export const pipelinePost = once(() =>
  z
    .object({
      name: nameField('Unique without regard to case; match your DAG or job name.', 'stock-price-worker'),
      pipeline_type_name: nameField('Created where it is new.', 'api-integration'),
      ...pipelineFields().post,
    })
    .superRefine(requireWholeThresholds)
    .openapi('PipelinePost'),
)

export type PipelinePost = z.output<ReturnType<typeof pipelinePost>>

export const pipelinePostAnswer = once(() =>
  z
    .object({
      id: z.int().openapi({ example: 1 }),
      active: z.boolean().openapi({ description: 'Whether the run should go on.' }),
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
      active: flagField('An inactive pipeline is not checked, and its code is told not to run.').optional(),
    },
    ['pipeline_id'],
  ).openapi('PipelinePatch'),
)

export const pipelineFilters = once(() => ({
  ...pageQuery(),
  name: nameText('Only the pipeline of this name, in any case.').optional(),
  pipeline_type_id: idText('Only pipelines of this type.').optional(),
  active: flagText('Only active, or only inactive pipelines.').optional(),
}))

export const pipelineAnswer = once(() =>
  z
    .object({
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
      load_lineage: z.boolean(),
      full_load: z.boolean(),
      active: z.boolean(),
      config_hash: z.string().nullable().openapi({ description: 'SHA-256 of the configuration posted last.' }),
      created_at: instantAnswer(),
      updated_at: instantAnswer().nullable(),
    })
    .openapi('Pipeline'),
)
