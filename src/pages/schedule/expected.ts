import { nextTimes } from '../../core/cron.ts'
import { earlyMillis } from '../../features/schedules/slots.ts'

const DAY_MILLIS = 86_400_000
const MINUTE_MILLIS = 60_000
/** The times of a busier schedule are not drawn: finding each costs a tenth of a millisecond. */
export const MAX_TIMES = 100

/** What became of a scheduled time. */
export type Outcome = 'came' | 'late' | 'missed' | 'expected'

export interface Time {
  at: Date
  outcome: Outcome
}

export interface CronPipeline {
  cron: string
  timezone: string
  graceMinutes: number
  /** Times before it are not expected. */
  from: Date
}

/**
 * The scheduled times of the last 24 hours and the next 24, with what became of them: a run came (by the end of the grace), came late, or is
 * missed. A start counts for the times that it covers: see features/schedules/slots.ts. `starts` are those of the last 24 hours, in order.
 */
export const expectedTimes = (pipeline: CronPipeline, starts: readonly Date[], now: Date): Time[] => {
  const { cron, timezone, graceMinutes, from } = pipeline
  const begin = new Date(Math.max(now.getTime() - DAY_MILLIS, from.getTime()))
  const end = now.getTime() + DAY_MILLIS
  const slots = nextTimes(cron, timezone, begin, MAX_TIMES).filter((at) => at.getTime() <= end)
  const opens = slots.map((at, index) => at.getTime() - earlyMillis(pipeline, at, slots[index - 1]))
  return slots.map((at, index) => {
    const closes = opens[index + 1] ?? Number.POSITIVE_INFINITY
    const start = starts.find((candidate) => candidate.getTime() >= (opens[index] as number) && candidate.getTime() < closes)
    const deadline = at.getTime() + graceMinutes * MINUTE_MILLIS
    if (start) return { at, outcome: start.getTime() <= deadline ? 'came' : 'late' }
    return { at, outcome: deadline < now.getTime() ? 'missed' : 'expected' }
  })
}
