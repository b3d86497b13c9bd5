import { z } from '@hono/zod-openapi'
import {
  instantAnswer,
  nameField,
  nameText,
  requireWholeThresholds,
  thresholdAnswer,
  thresholdFields,
  thresholdPatchFields,
} from '../../http/fields.ts'
import { pageQuery } from '../../http/paging.ts'
import { patchBody } from '../../http/patch.ts'

export const pipelineTypePost = z
  .object({ name: nameField('Unique without regard to case.', 'api-integration'), ...thresholdFields })
  .superRefine(requireWholeThresholds)
  .openapi('PipelineTypePost')
export type PipelineTypePost = z.output<typeof pipelineTypePost>

export const pipelineTypePatch = patchBody('pipeline type', thresholdPatchFields).openapi('PipelineTypePatch')

export const pipelineTypeFilters = { ...pageQuery, name: nameText('Only the type of this name, in any case.').optional() }

export const pipelineTypeAnswer = z
  .object({
    id: z.int(),
    name: z.string().openapi({ example: 'api-integration' }),
    ...thresholdAnswer,
    config_hash: z.string().nullable().openapi({ description: 'SHA-256 of the configuration posted last; null before.' }),
    created_at: instantAnswer(),
    updated_at: instantAnswer().nullable(),
  })
  .openapi('PipelineType')
