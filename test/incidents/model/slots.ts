import { DAY, HOUR, MINUTE, type Pipeline, type Schedule } from './world.ts'

const EVERY_HOUR = Array.from({ length: 24 }, (_, hour) => hour)

/** A scheduled time; a run that covers it starts at `from` or later; without one it is missed at `deadline`. */
export interface Slot {
  at: number
  from: number
  deadline: number
}

export const cronOf = ({ minutes, hours }: Extract<Schedule, { minutes: number[] }>): string =>
  `${minutes.join(',')} ${hours?.join(',') ?? '*'} * * *`

/** The scheduled times after `after`, to `until`. */
const times = ({ minutes, hours }: Extract<Schedule, { minutes: number[] }>, after: number, until: number): number[] => {
  const found: number[] = []
  for (let day = Math.floor(after / DAY) * DAY; day <= until; day += DAY) {
    for (const hour of hours ?? EVERY_HOUR) {
      for (const minute of minutes) {
        const at = day + hour * HOUR + minute * MINUTE
        if (at > after && at <= until) found.push(at)
      }
    }
  }
  return found
}

/**
 * The slots of a pipeline after `after` whose deadline is not after `until`. `lastStart`: its latest start, or when its schedule was set.
 * With an interval, any start after that one is the one that was expected.
 */
export const slotsUntil = ({ schedule, grace }: Pipeline, after: number, until: number, lastStart: number): Slot[] => {
  if (schedule === null) return []
  const slots: Slot[] = []
  if ('every' in schedule) {
    for (let at = lastStart + schedule.every; at + grace <= until; at += schedule.every) {
      if (at > after) slots.push({ at, from: lastStart + 1, deadline: at + grace })
    }
    return slots
  }
  const all = times(schedule, after - 2 * DAY, until - grace)
  for (const [index, at] of all.entries()) {
    const before = all[index - 1]
    if (at <= after || before === undefined) continue
    slots.push({ at, from: at - Math.min(grace, (at - before) / 2), deadline: at + grace })
  }
  return slots
}
