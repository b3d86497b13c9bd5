import { isNearClockChange, nextTime, timeBefore } from '../../core/cron.ts'
import { instantOf } from '../../core/instant.ts'

const MINUTE_MILLIS = 60_000
const HOUR_MILLIS = 3_600_000

/** A check judges at most this many times of a pipeline; a job goes on with the rest. */
export const MAX_SLOTS = 100

/** A scheduled time that is due: a run that covers it starts at `from` or later. */
export interface Slot {
  at: string
  from: string
}

/** What the check does with a pipeline. */
export interface Plan {
  /** The times that are due, oldest first. */
  slots: Slot[]
  /** The next time to judge, and when to look; null: the schedule has no more times. */
  next_slot: string | null
  next_check: string | null
}

export interface CronSchedule {
  cron: string
  timezone: string
  graceMinutes: number
}

/** A run may start so much before its time and still cover it: the grace, but at most half of the distance to the time before (`known`, if the caller has it). */
export const earlyMillis = ({ cron, timezone, graceMinutes }: CronSchedule, slot: Date, known?: Date): number => {
  const before = known ?? timeBefore(cron, timezone, slot)
  const half = before ? (slot.getTime() - before.getTime()) / 2 : Number.POSITIVE_INFINITY
  return Math.min(graceMinutes * MINUTE_MILLIS, half)
}

/** When a time is missed. Near a change of the clock it has an hour more: schedulers differ there. */
const deadlineOf = ({ timezone, graceMinutes }: CronSchedule, slot: Date): Date =>
  new Date(slot.getTime() + graceMinutes * MINUTE_MILLIS + (isNearClockChange(timezone, slot) ? HOUR_MILLIS : 0))

/**
 * Plans a check of a cron schedule: which times are due, and which is next. `slotAt` is the next time to judge, if it is known; else the
 * first one after `from`.
 */
export const planCron = (schedule: CronSchedule, { slotAt, from, now }: { slotAt: string | null; from: string; now: string }): Plan => {
  const { cron, timezone } = schedule
  const at = new Date(now)
  const slots: Slot[] = []
  let slot = slotAt === null ? nextTime(cron, timezone, new Date(from)) : new Date(slotAt)
  while (slot && slots.length < MAX_SLOTS && deadlineOf(schedule, slot) <= at) {
    slots.push({ at: instantOf(slot), from: instantOf(new Date(slot.getTime() - earlyMillis(schedule, slot))) })
    slot = nextTime(cron, timezone, slot)
  }
  return { slots, next_slot: slot ? instantOf(slot) : null, next_check: slot ? instantOf(deadlineOf(schedule, slot)) : null }
}
