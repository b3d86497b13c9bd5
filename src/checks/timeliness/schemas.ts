import { z } from '@hono/zod-openapi'
import { LOOKBACK_MINUTES } from '../../core/bounds.ts'
import { once } from '../../core/once.ts'
import { DATEPARTS } from '../../db/constraints.ts'
import { instantAnswer, optional, wholeNumber } from '../../http/fields.ts'
import { pageQuery } from '../../http/paging.ts'
import { idText } from '../../http/text-fields.ts'

/** The state of a late run when it was found. */
export const RUN_STATUSES = ['running', 'completed'] as const

export const timelinessPost = once(() =>
  z
    .object({
      lookback_minutes: optional(
        wholeNumber(
          `How many minutes back the check looks for ended executions, or to the last check if that was earlier. It always looks at all running executions. Default: ${LOOKBACK_MINUTES.default}.`,
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
      duration_seconds: z
        .int()
        .openapi({ description: 'Duration when it was found, in whole seconds; for a running execution, the time so far.' }),
      seconds_threshold: z.int().openapi({ description: 'The timeliness threshold in seconds.' }),
      execution_status: z.enum(RUN_STATUSES).openapi({ description: 'Its state when it was found.' }),
      timely_number: z.int(),
      timely_datepart: z.enum(DATEPARTS),
      used_child_config: z.boolean().openapi({ description: "true: the threshold was the pipeline's own; false: its type's." }),
      created_at: instantAnswer(),
    })
    .openapi('TimelinessLog'),
)
