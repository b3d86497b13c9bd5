import { z } from 'zod'
import { once } from '../../core/once.ts'
import { moment } from '../../db/rows.ts'
import type { IncidentKind } from '../../incidents/kind.ts'
import { inTitleCase } from '../../notifications/message.ts'

/** What is written by measureQueueDepth, for the subject `depth`; and by judge-schedules.sql, for the subject `tick`. */
const details = once(() =>
  z.union([z.object({ total_pending: z.number(), breakdown: z.record(z.string(), z.number()) }), z.object({ from: moment, to: moment })]),
)

/** Watcher itself is behind. The subject `depth`: too many jobs wait; `tick`: for some time nothing was checked. */
export const queue: IncidentKind = {
  kind: 'queue',
  title: 'Queue Alert',
  explain: (given) => {
    const read = details().safeParse(given)
    if (!read.success) return 'Watcher is behind with its jobs'
    if ('from' in read.data) {
      const { from, to } = read.data
      return `Nothing was checked from ${from.slice(0, 16).replace('T', ' ')} to ${to.slice(0, 16).replace('T', ' ')} UTC: Watcher was away`
    }
    const { total_pending, breakdown } = read.data
    const kinds = Object.entries(breakdown).map(([kind, waiting]) => `${inTitleCase(kind)} ${waiting}`)
    return `${total_pending} jobs wait (${kinds.join(', ')}): see /monitoring`
  },
}
