import { z } from 'zod'
import { once } from '../../core/once.ts'
import { DATEPARTS } from '../../db/constraints.ts'
import { alertInstant, alertKind, foundFields } from '../../notifications/alert.ts'
import { inOneLine, inSeconds, inUnits } from '../../notifications/message.ts'

const payload = once(() =>
  z.object({
    ...foundFields,
    items: z.array(
      z.object({
        pipeline_id: z.int(),
        pipeline_name: z.string(),
        last_dml_timestamp: alertInstant,
        freshness_number: z.int(),
        freshness_datepart: z.enum(DATEPARTS),
      }),
    ),
  }),
)

/** Stale pipelines, in the original's words. */
export const freshnessAlert = alertKind('freshness', payload, ({ at, count, items }) => ({
  at,
  level: 'WARNING',
  message: `Pipeline Freshness Check Failed - ${count} pipeline(s) overdue`,
  details: [
    [
      'Failed Pipelines',
      '•',
      items.map(
        (item) =>
          `${inOneLine(item.pipeline_name)} (ID: ${item.pipeline_id}): Last DML ${inSeconds(item.last_dml_timestamp)}, Expected within ${inUnits(item.freshness_number, item.freshness_datepart)}`,
      ),
      count,
    ],
  ],
}))
