import { z } from '@hono/zod-openapi'
import { once } from '../../core/once.ts'
import { configuration } from '../../http/configuration.ts'
import { instantAnswer, nameField, requireWholeThresholds, thresholdAnswer, thresholdFields } from '../../http/fields.ts'
import { onCallAnswer, onCallFields } from '../../http/on-call-fields.ts'
import { pageQuery } from '../../http/paging.ts'
import { patchBody } from '../../http/patch.ts'
import { nameText } from '../../http/text-fields.ts'

const typeFields = once(() => configuration({ ...thresholdFields().emptiable, ...onCallFields() }, thresholdFields().kept))

export const pipelineTypePost = once(() =>
  z
    .object({ name: nameField('Unique, case-insensitive.', 'api-integration'), ...typeFields().post })
    .superRefine(requireWholeThresholds)
    .openapi('PipelineTypePost'),
)

export type PipelineTypePost = z.output<ReturnType<typeof pipelineTypePost>>

export const pipelineTypePatch = once(() => patchBody('pipeline type', typeFields().patch).openapi('PipelineTypePatch'))

export const pipelineTypeFilters = once(() => ({
  ...pageQuery(),
  name: nameText('Only the type with this name (case-insensitive).').optional(),
}))

export const pipelineTypeAnswer = once(() =>
  z
    .object({
      id: z.int(),
      name: z.string().openapi({ example: 'api-integration' }),
      ...thresholdAnswer(),
      ...onCallAnswer(),
      config_hash: z.string().nullable().openapi({ description: 'SHA-256 of the last posted configuration; null before the first post.' }),
      created_at: instantAnswer(),
      updated_at: instantAnswer().nullable(),
    })
    .openapi('PipelineType'),
)
