import { secondsBetween } from '../core/figures.ts'

/**
 * When scheduled jobs run, in UTC. wrangler.toml must list the same crons: a test compares them. All times fall on a quarter
 * of an hour: a database that has scaled to zero wakes once for all of them.
 */
export const CRONS = {
  quarterHourly: '*/15 * * * *',
  hourly: '0 * * * *',
  daily: '30 3 * * *',
} as const

/** Seconds between two ticks of a cron. */
const PERIOD_SECONDS: Record<string, number> = {
  [CRONS.quarterHourly]: 15 * 60,
  [CRONS.hourly]: 60 * 60,
  [CRONS.daily]: 24 * 60 * 60,
}

/** A cron is late when no tick has come for this many periods: the platform may skip one. */
const MAX_PERIODS = 2

/** True if the cron has been silent for too long. A cron that an earlier version fired never is. */
export const isLate = (cron: string, lastDueAt: string, now: string): boolean =>
  secondsBetween(lastDueAt, now) > MAX_PERIODS * (PERIOD_SECONDS[cron] ?? Number.POSITIVE_INFINITY)

export type Cron = (typeof CRONS)[keyof typeof CRONS]
