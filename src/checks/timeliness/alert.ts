import { z } from 'zod'
import { once } from '../../core/once.ts'
import { DATEPARTS } from '../../db/constraints.ts'
import { alertKind, foundFields } from '../../notifications/alert.ts'
import { inUnits } from '../../notifications/message.ts'
import { RUN_STATUSES } from './schemas.ts'

const payload = once(() =>
  z.object({
    ...foundFields,
    items: z.array(
      z.object({
        pipeline_execution_id: z.int(),
        pipeline_id: z.int(),
        duration_seconds: z.int(),
        execution_status: z.enum(RUN_STATUSES),
        timely_number: z.int(),
        timely_datepart: z.enum(DATEPARTS),
        used_child_config: z.boolean(),
      }),
    ),
  }),
)

/** Late runs, in the original's words. */
export const timelinessAlert = alertKind('timeliness', payload, ({ at, count, items }) => ({
  at,
  level: 'WARNING',
  message: `Pipeline Execution Timeliness Check Failed - ${count} execution(s) overdue`,
  details: [
    [
      'Failed Executions',
      '•',
      items.map(
        (item) =>
          `Pipeline Execution ID: ${item.pipeline_execution_id} (Pipeline ID: ${item.pipeline_id}): ${item.duration_seconds} seconds (${item.execution_status}), Expected within ${inUnits(item.timely_number, item.timely_datepart)} (${item.used_child_config ? 'child' : 'parent'} config)`,
      ),
      count,
    ],
  ],
}))
