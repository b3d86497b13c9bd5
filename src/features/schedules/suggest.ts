import { nextTimes } from '../../core/cron.ts'

/** A suggested schedule, and how many of the starts it would have covered. */
export interface Suggestion {
  schedule_cron: string
  schedule_timezone: string
  schedule_grace_minutes: number
  covered: number
  starts: number
}

const MINUTE_MILLIS = 60_000
const DAY_MINUTES = 1_440
/** With fewer starts there is no pattern yet. */
const MIN_STARTS = 5
/** A schedule must cover at least this share of the starts, and starts at least this share of its times. */
const MIN_SHARE = 0.8
/** Starts come up to so many minutes after their time: the distance to the next time allows no more than half of it. */
const MAX_DELAY_MINUTES = 60
const GRACE_STEP_MINUTES = 5

/** The crons worth trying, the rarest first, by the minute and hour that most starts have. */
const candidates = (starts: readonly Date[]): { cron: string; periodMinutes: number }[] => {
  const minutes = mostCommon(starts.map((start) => start.getUTCMinutes()))
  const hours = mostCommon(starts.map((start) => start.getUTCHours()))
  const weekdays = [...new Set(starts.map((start) => start.getUTCDay()))].sort()
  const days = mostCommon(starts.map((start) => start.getUTCDate()))
  const list: { cron: string; periodMinutes: number }[] = []
  for (const minute of minutes) {
    for (const hour of hours) {
      for (const day of days) list.push({ cron: `${minute} ${hour} ${day} * *`, periodMinutes: 28 * DAY_MINUTES })
      if (weekdays.length < 7) list.push({ cron: `${minute} ${hour} * * ${weekdays.join(',')}`, periodMinutes: DAY_MINUTES })
      list.push({ cron: `${minute} ${hour} * * *`, periodMinutes: DAY_MINUTES })
      for (const every of [12, 8, 6, 4, 3, 2]) list.push({ cron: `${minute} ${hour % every}-23/${every} * * *`, periodMinutes: every * 60 })
    }
    list.push({ cron: `${minute} * * * *`, periodMinutes: 60 })
    for (const every of [30, 20, 15, 10, 5]) {
      const first = minute % every
      list.push({ cron: first === 0 ? `*/${every} * * * *` : `${first}-59/${every} * * * *`, periodMinutes: every })
    }
  }
  return list
}

const MAX_VALUES = 3

const mostCommon = (values: readonly number[]): number[] => {
  const counts = new Map<number, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts]
    .sort((a, b) => b[1] - a[1] || a[0] - b[0])
    .slice(0, MAX_VALUES)
    .map(([value]) => value)
}

/** How a cron fits: how many starts are near one of its times, how many of its times have a start, and the delays in minutes. */
const measureFit = (starts: readonly Date[], cron: string, periodMinutes: number) => {
  const toleranceMinutes = Math.min(MAX_DELAY_MINUTES, periodMinutes / 2)
  const first = starts[0] as Date
  const last = starts.at(-1) as Date
  const times = nextTimes(cron, 'UTC', new Date(first.getTime() - toleranceMinutes * MINUTE_MILLIS - MINUTE_MILLIS), 2 * starts.length + 2)
  const delays: number[] = []
  let used = 0
  let index = 0
  for (const time of times) {
    if (time > last) break
    const end = time.getTime() + toleranceMinutes * MINUTE_MILLIS
    while (index < starts.length && (starts[index] as Date) < time) index += 1
    const begin = index
    while (index < starts.length && (starts[index] as Date).getTime() < end) index += 1
    if (index > begin) {
      used += 1
      delays.push(((starts[begin] as Date).getTime() - time.getTime()) / MINUTE_MILLIS)
    }
  }
  return { covered: delays.length, share: used / Math.max(1, times.filter((time) => time <= last).length), delays }
}

/** The cron and grace that fit past starts; undefined if none does. */
export const suggestSchedule = (unordered: readonly Date[]): Suggestion | undefined => {
  const starts = [...unordered].sort((a, b) => a.getTime() - b.getTime())
  if (starts.length < MIN_STARTS) return undefined
  const fits = candidates(starts)
    .map(({ cron, periodMinutes }) => ({ cron, ...measureFit(starts, cron, periodMinutes) }))
    .filter(({ covered, share }) => covered >= MIN_SHARE * starts.length && share >= MIN_SHARE)
    .sort((a, b) => b.covered * b.share - a.covered * a.share)
  const [best] = fits
  if (!best) return undefined
  const longest = Math.max(...best.delays)
  const grace = Math.max(GRACE_STEP_MINUTES, Math.ceil((1.5 * longest) / GRACE_STEP_MINUTES) * GRACE_STEP_MINUTES)
  return { schedule_cron: best.cron, schedule_timezone: 'UTC', schedule_grace_minutes: grace, covered: best.covered, starts: starts.length }
}
