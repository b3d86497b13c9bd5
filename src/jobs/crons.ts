/**
 * When scheduled jobs run, in UTC. wrangler.toml must list the same crons: a test compares them. All times fall on a quarter
 * of an hour: a database that has scaled to zero wakes once for all of them.
 */
export const CRONS = {
  quarterHourly: '*/15 * * * *',
  hourly: '0 * * * *',
  daily: '30 3 * * *',
} as const

export type Cron = (typeof CRONS)[keyof typeof CRONS]
