import { Cron } from 'croner'

/** Fires one Cron Trigger; false where that failed. */
export type Fire = (cron: string, scheduledTime: Date) => Promise<boolean>

/** By the path that `wrangler dev` offers for it. */
export const fireByPath =
  (port: number): Fire =>
  async (cron, scheduledTime) => {
    const query = new URLSearchParams({ cron, time: String(scheduledTime.getTime()) })
    const answer = await fetch(`http://127.0.0.1:${port}/cdn-cgi/handler/scheduled?${query}`)
    return answer.ok
  }

/**
 * Fires Cron Triggers when they are due, in UTC: workerd does not. One that cannot be fired is reported and not repeated;
 * the next one makes up for it.
 */
export const startTicking = (fire: Fire, crons: readonly string[]): (() => Promise<void>) => {
  const tickers = crons.map(
    (cron) =>
      new Cron(cron, { timezone: 'UTC' }, async (ticker: Cron) => {
        const fired = await fire(cron, ticker.currentRun() ?? new Date()).catch(() => false)
        if (!fired) console.error(`watcher: the cron ${cron} could not be fired`)
      }),
  )
  return async () => {
    for (const ticker of tickers) ticker.stop()
  }
}
