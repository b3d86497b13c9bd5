import { z } from '@hono/zod-openapi'
import { once } from '../../core/once.ts'
import { DATEPARTS } from '../../db/constraints.ts'
import { instantAnswer } from '../../http/fields.ts'
import { pageQuery } from '../../http/paging.ts'
import { idText } from '../../http/text-fields.ts'

export const freshnessLogFilters = once(() => ({ ...pageQuery(), pipeline_id: idText('Only this pipeline.').optional() }))

export const freshnessLogAnswer = once(() =>
  z
    .object({
      id: z.int(),
      pipeline_id: z.int(),
      last_dml_timestamp: instantAnswer().openapi({ description: 'The latest insert, update or soft delete.' }),
      evaluation_timestamp: instantAnswer().openapi({ description: 'When the check found the pipeline stale.' }),
      freshness_number: z.int(),
      freshness_datepart: z.enum(DATEPARTS),
      used_child_config: z.boolean().openapi({ description: "true: the threshold was the pipeline's own; false: its type's." }),
      created_at: instantAnswer(),
    })
    .openapi('FreshnessLog'),
)
