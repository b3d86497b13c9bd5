import { z } from 'zod'
import { inMinutes } from '../../core/instant.ts'
import { once } from '../../core/once.ts'
import { moment } from '../../db/rows.ts'
import type { IncidentKind } from '../../incidents/kind.ts'
import { inTitleCase } from '../../notifications/message.ts'

const counts = () => z.record(z.string(), z.number())

/** What measureQueueDepth writes for the subject `depth`; judge-schedules.sql for `tick`; judge-deliveries.sql for `failed_jobs` and `channel <id>`. */
const details = once(() =>
  z.union([
    z.object({ total_pending: z.number(), breakdown: counts() }),
    z.object({ from: moment, to: moment }),
    z.object({ total_failed: z.number(), failed: counts() }),
    z.object({ channel_id: z.number(), channel_name: z.string() }),
  ]),
)

/** `Notify 2, Send Alert 1` */
const inWords = (breakdown: Record<string, number>): string =>
  Object.entries(breakdown)
    .map(([kind, count]) => `${inTitleCase(kind)} ${count}`)
    .join(', ')

/** Watcher itself is behind: too many jobs wait, for some time nothing was checked, jobs have failed for good, or a channel takes no messages. */
export const queue: IncidentKind = {
  kind: 'queue',
  title: 'Queue Alert',
  explain: (given) => {
    const read = details().safeParse(given)
    if (!read.success) return 'Watcher is behind with its jobs'
    if ('from' in read.data) {
      const { from, to } = read.data
      return `Nothing was checked from ${inMinutes(from)} to ${inMinutes(to)}: Watcher was away`
    }
    if ('total_failed' in read.data) {
      const { total_failed, failed } = read.data
      return `${total_failed} job${total_failed === 1 ? '' : 's'} failed for good in the last 24 hours (${inWords(failed)}): see /monitoring, and replay what matters`
    }
    if ('channel_id' in read.data) return `${read.data.channel_name}: the last five deliveries failed; see /channels`
    const { total_pending, breakdown } = read.data
    return `${total_pending} jobs wait (${inWords(breakdown)}): see /monitoring`
  },
}
