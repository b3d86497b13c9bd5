import { z } from 'zod'
import { once } from '../../core/once.ts'
import { alertInstant, alertKind } from '../../notifications/alert.ts'
import { inTitleCase } from '../../notifications/message.ts'

const payload = once(() =>
  z.object({
    at: alertInstant,
    level: z.enum(['warning', 'critical']),
    total_pending: z.int(),
    /** Waiting jobs by kind. */
    breakdown: z.record(z.string(), z.int()),
  }),
)

/** A long queue, in the original's words. */
export const queueAlert = alertKind('queue', payload, ({ at, level, total_pending, breakdown }) => {
  const kinds = Object.entries(breakdown).map(([kind, waiting]) => `${inTitleCase(kind)}: ${waiting}`)
  return {
    at,
    level: level === 'critical' ? 'CRITICAL' : 'WARNING',
    title: 'Queue Alert',
    message: `Queue has ${total_pending} pending tasks`,
    details: [
      ['Total pending', String(total_pending)],
      ['Task breakdown', '•', kinds, kinds.length],
    ],
  }
})
