import { z } from 'zod'
import { inMinutes } from '../../core/instant.ts'
import { once } from '../../core/once.ts'
import { moment } from '../../db/rows.ts'
import type { IncidentKind } from '../../incidents/kind.ts'

/** What judge-schedules.sql writes: the last missed time, from when a start covers it, and the schedule in words. */
const details = once(() => z.object({ slot: moment, covers_from: moment, schedule: z.string() }))

/** A scheduled run did not start. */
export const missed: IncidentKind = {
  kind: 'missed',
  title: 'Pipeline Run Missed',
  badge: { word: 'missed', sign: '○', tone: 'late' },
  isDeadline: true,
  explain: (given) => {
    const read = details().safeParse(given)
    if (!read.success) return 'A scheduled run did not start'
    const { slot, schedule } = read.data
    return `No run started for ${inMinutes(slot)} (${schedule}): look at its scheduler`
  },
}
