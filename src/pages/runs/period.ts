import { addSeconds } from '../../core/instant.ts'

/** The periods that a reader can choose; `own` is given by two times. */
export const PERIODS = ['last night', '24 h', '7 d', 'own'] as const
export type Period = (typeof PERIODS)[number]

const DAY_SECONDS = 86_400
/** "Last night" begins at this hour of the evening, and ends at NIGHT_ENDS; UTC, as every day of Watcher. */
const NIGHT_BEGINS = 18
const NIGHT_ENDS = 8
const MAX_DAYS = 31
/** Before this nothing is subtracted: years begin with 1. */
const FIRST_INSTANT = '1000-01-01T00:00:00.000000Z'

/** The period from `from` to `to`, instants. */
export interface Range {
  from: string
  to: string
}

const dayOf = (instant: string): string => `${instant.slice(0, 10)}T00:00:00.000000Z`

/** The last night that has begun: before the evening the one that has just been, or still is. */
const lastNight = (now: string): Range => {
  const today = dayOf(now)
  const hasBegun = now >= addSeconds(today, NIGHT_BEGINS * 3_600)
  const from = addSeconds(today, NIGHT_BEGINS * 3_600 - (hasBegun ? 0 : DAY_SECONDS))
  const to = addSeconds(from, (24 - NIGHT_BEGINS + NIGHT_ENDS) * 3_600)
  return { from, to: to < now ? to : now }
}

/** What a choice means at `now`. Own times that are missing, or in the wrong order, are completed; `note` says what was done. */
export const rangeOf = (
  { period, from, to }: { period: Period; from?: string | undefined; to?: string | undefined },
  now: string,
): Range & { note?: string } => {
  if (period === 'last night') return lastNight(now)
  if (period !== 'own') return { from: addSeconds(now, -DAY_SECONDS * (period === '7 d' ? 7 : 1)), to: now }
  const isReversed = from !== undefined && to !== undefined && to < from
  const [given, until] = isReversed ? [to, from] : [from, to]
  const last = until ?? (given !== undefined && addSeconds(given, DAY_SECONDS) < now ? addSeconds(given, DAY_SECONDS) : now)
  const earliest = last < FIRST_INSTANT ? last : addSeconds(last, -MAX_DAYS * DAY_SECONDS)
  const first = given ?? (last < FIRST_INSTANT ? last : addSeconds(last, -DAY_SECONDS))
  if (first < earliest)
    return { from: earliest, to: last, note: `A page shows at most ${MAX_DAYS} days: these are the last of the ones in the address.` }
  if (isReversed)
    return { from: first, to: last, note: 'The times in the address are in the wrong order: they are taken the other way round.' }
  return { from: first, to: last }
}
