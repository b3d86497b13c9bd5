import { z } from 'zod'
import { inMinutes } from '../../core/instant.ts'
import { once } from '../../core/once.ts'
import { moment } from '../../db/rows.ts'
import type { IncidentKind } from '../../incidents/kind.ts'

/** What judge-schedules.sql writes: the last missed time, from when a start covers it, the schedule in words, and when the run before began if it still runs. */
const details = once(() => z.object({ slot: moment, covers_from: moment, schedule: z.string(), running_since: moment.nullish() }))

/** A scheduled run did not start. */
export const missed: IncidentKind = {
  kind: 'missed',
  title: 'Pipeline Run Missed',
  badge: { word: 'missed', sign: '○', tone: 'late' },
  isDeadline: true,
  explain: (given) => {
    const read = details().safeParse(given)
    if (!read.success) return 'A scheduled run did not start'
    const { slot, schedule, running_since: since } = read.data
    const why = since ? `the run of ${inMinutes(since)} still goes on` : 'look at its scheduler'
    return `No run started for ${inMinutes(slot)} (${schedule}): ${why}`
  },
}
