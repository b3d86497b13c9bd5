import { z } from '@hono/zod-openapi'
import { LOOKBACK_MINUTES } from '../../core/bounds.ts'
import { once } from '../../core/once.ts'
import { DATEPARTS } from '../../db/constraints.ts'
import { instantAnswer, optional, wholeNumber } from '../../http/fields.ts'
import { pageQuery } from '../../http/paging.ts'
import { idText } from '../../http/text-fields.ts'

/** What a late run did when it was found. */
export const RUN_STATUSES = ['running', 'completed'] as const

export const timelinessPost = once(() =>
  z
    .object({
      lookback_minutes: optional(
        wholeNumber(
          `Executions that started or ended in these minutes are checked, and every one that still runs. Where the last check was longer ago, from there on. Initially ${LOOKBACK_MINUTES.default}.`,
          LOOKBACK_MINUTES.min,
          LOOKBACK_MINUTES.max,
          LOOKBACK_MINUTES.default,
        ),
      ),
    })
    .optional()
    .openapi('TimelinessCheck'),
)

export const timelinessLogFilters = once(() => ({
  ...pageQuery(),
  pipeline_id: idText('Only executions of this pipeline.').optional(),
}))

export const timelinessLogAnswer = once(() =>
  z
    .object({
      id: z.int(),
      pipeline_execution_id: z.int(),
      pipeline_id: z.int(),
      duration_seconds: z.int().openapi({ description: 'Whole seconds, when it was found: of a running execution so far.' }),
      seconds_threshold: z.int().openapi({ description: 'What it was allowed, in seconds.' }),
      execution_status: z.enum(RUN_STATUSES).openapi({ description: 'When it was found.' }),
      timely_number: z.int(),
      timely_datepart: z.enum(DATEPARTS),
      used_child_config: z.boolean().openapi({ description: "Whether the rule was the pipeline's own, not its type's." }),
      created_at: instantAnswer(),
    })
    .openapi('TimelinessLog'),
)
