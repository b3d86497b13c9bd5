import { z } from 'zod'
import { once } from '../../core/once.ts'
import { amount } from '../../db/rows.ts'
import type { IncidentKind } from '../../incidents/kind.ts'

/** What judge.sql writes: where the last good run stopped, and where this one began and stopped. */
const details = once(() =>
  z.object({
    pipeline_execution_id: amount,
    reason: z.enum(['regressed', 'gap', 'stalled']),
    stopped: z.string().nullable(),
    began: z.string().nullable(),
    next: z.string().nullable(),
    runs: z.int(),
  }),
)

/** A good run did to its pipeline's watermark what its check forbids. */
export const watermarkIncident: IncidentKind = {
  kind: 'watermark',
  title: 'Watermark Out Of Order',
  badge: { word: 'watermark', sign: '⇤', tone: 'anomalous' },
  explain: (given) => {
    const read = details().safeParse(given)
    if (!read.success) return 'The watermark is out of order'
    const { pipeline_execution_id: run, reason, stopped, began, next, runs } = read.data
    if (reason === 'regressed') return `Run ${run} set the watermark back from ${stopped} to ${next}: the next run loads rows again`
    if (reason === 'gap')
      return `Run ${run} began at ${began}, but the last good run stopped at ${stopped}: rows between them may be missing`
    return `${runs} good runs in a row have not moved the watermark on: it is ${next ?? 'empty'}`
  },
}
