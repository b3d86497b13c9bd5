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
/** Starts come up to so many minutes before or after their time: the distance to the next time allows no more than half of it. */
const MAX_DELAY_MINUTES = 60
/** Schedulers are late rather than early: a schedule that has runs start early is probably another one. */
const EARLY_COST = 3
/** Schedules whose delays differ by no more minutes than this fit alike: people choose the rounder minute. */
const ALIKE_MINUTES = 1
const GRACE_STEP_MINUTES = 5

/** A cron worth trying. */
interface Candidate {
  cron: string
  /** The minutes between two of its times, about. */
  periodMinutes: number
  /** The first minute of an hour in which it fires. */
  minute: number
}

/** The crons worth trying, the rarest first, by the minutes and hours that most starts have or are near to. */
const candidates = (starts: readonly Date[]): Candidate[] => {
  const common = mostCommon(starts.map((start) => start.getUTCMinutes()))
  // 60 is the beginning of the next hour.
  const minutes = new Set(common.flatMap((minute) => [minute, 5 * Math.floor(minute / 5), 5 * Math.ceil(minute / 5)]))
  const hours = mostCommon(starts.map((start) => start.getUTCHours()))
  const weekdays = [...new Set(starts.map((start) => start.getUTCDay()))].sort()
  const days = mostCommon(starts.map((start) => start.getUTCDate()))
  const found = new Map<string, Candidate>()
  const add = (cron: string, periodMinutes: number, minute: number) => found.set(cron, { cron, periodMinutes, minute })
  for (const past of minutes) {
    const minute = past % 60
    for (const before of hours) {
      const hour = past < 60 ? before : (before + 1) % 24
      for (const day of days) add(`${minute} ${hour} ${day} * *`, 28 * DAY_MINUTES, minute)
      if (weekdays.length < 7) add(`${minute} ${hour} * * ${weekdays.join(',')}`, (7 / weekdays.length) * DAY_MINUTES, minute)
      add(`${minute} ${hour} * * *`, DAY_MINUTES, minute)
      for (const every of [12, 8, 6, 4, 3, 2]) add(`${minute} ${hour % every}-23/${every} * * *`, every * 60, minute)
    }
    add(`${minute} * * * *`, 60, minute)
    for (const every of [30, 20, 15, 10, 5]) {
      const first = minute % every
      add(first === 0 ? `*/${every} * * * *` : `${first}-59/${every} * * * *`, every, first)
    }
  }
  return [...found.values()]
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

/** How often a cron fires from the first start to the last, about. */
const countTimes = (starts: readonly Date[], { periodMinutes }: Candidate): number =>
  ((starts.at(-1) as Date).getTime() - (starts[0] as Date).getTime()) / MINUTE_MILLIS / periodMinutes + 1

/** False if a cron fires far more or less often than the starts come. Its times need not be calculated: each takes 0.1 ms. */
const mayFit = (starts: readonly Date[], candidate: Candidate): boolean => {
  const times = countTimes(starts, candidate)
  return times > starts.length / 2 - 2 && times < starts.length * 2 + 2
}

/** What a delay costs, in minutes. An early start has a negative one. */
const costOf = (delay: number): number => (delay < 0 ? -EARLY_COST * delay : delay)

/** How a cron fits: the delays in minutes of the starts near one of its times, one for each, and how many of its times have a start. */
const measureFit = (starts: readonly Date[], candidate: Candidate) => {
  const { cron, periodMinutes } = candidate
  const tolerance = Math.min(MAX_DELAY_MINUTES, periodMinutes / 2) * MINUTE_MILLIS
  const [first, last] = [starts[0] as Date, starts.at(-1) as Date]
  const delays: number[] = []
  let expected = 0
  let index = 0
  for (const time of nextTimes(cron, 'UTC', new Date(first.getTime() - tolerance), Math.ceil(countTimes(starts, candidate)) + 2)) {
    if (time.getTime() - tolerance > last.getTime()) break
    const near: number[] = []
    for (; index < starts.length; index += 1) {
      const delay = (starts[index] as Date).getTime() - time.getTime()
      if (delay >= tolerance) break
      if (delay >= -tolerance) near.push(delay / MINUTE_MILLIS)
    }
    // A repeated or early run beside the one that belongs to this time says nothing.
    const [best] = near.sort((a, b) => costOf(a) - costOf(b))
    if (best !== undefined) delays.push(best)
    // After the last start, a time without one has not come yet.
    if (best !== undefined || time <= last) expected += 1
  }
  const share = delays.length / Math.max(1, expected)
  return { covered: delays.length, share, delays, cost: delays.reduce((sum, delay) => sum + costOf(delay), 0) / Math.max(1, delays.length) }
}

/** How round a minute is; 0 is the roundest. */
const roughness = (minute: number): number => [60, 30, 15, 10, 5, 1].findIndex((step) => minute % step === 0)

/**
 * The cron and grace that fit past starts; undefined if none does. Of the crons that cover the most, it is one with the smallest delays,
 * and of those that are alike the one with the roundest minute. The grace is the largest delay, early or late, and half
 * as much again: a run may start early by the grace too.
 */
export const suggestSchedule = (unordered: readonly Date[]): Suggestion | undefined => {
  const starts = [...unordered].sort((a, b) => a.getTime() - b.getTime())
  if (starts.length < MIN_STARTS) return undefined
  const fits = candidates(starts)
    .filter((candidate) => mayFit(starts, candidate))
    .map((candidate) => ({ ...candidate, ...measureFit(starts, candidate) }))
    .filter(({ covered, share }) => covered >= MIN_SHARE * starts.length && share >= MIN_SHARE)
  const most = Math.max(...fits.map(({ covered, share }) => covered * share))
  const covering = fits.filter(({ covered, share }) => covered * share === most)
  const least = Math.min(...covering.map(({ cost }) => cost))
  const [best] = covering
    .filter(({ cost }) => cost <= least + ALIKE_MINUTES)
    .sort((a, b) => roughness(a.minute) - roughness(b.minute) || a.cost - b.cost)
  if (!best) return undefined
  const farthest = Math.max(...best.delays.map(Math.abs))
  const grace = Math.max(GRACE_STEP_MINUTES, Math.ceil((1.5 * farthest) / GRACE_STEP_MINUTES) * GRACE_STEP_MINUTES)
  return { schedule_cron: best.cron, schedule_timezone: 'UTC', schedule_grace_minutes: grace, covered: best.covered, starts: starts.length }
}
