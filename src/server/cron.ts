import { Cron } from 'croner'

/** Fires one Cron Trigger; answers false if that failed. */
export type Fire = (cron: string, scheduledTime: Date) => Promise<boolean>

/** Fires through the path that `wrangler dev` offers for crons. */
export const fireByPath =
  (port: number): Fire =>
  async (cron, scheduledTime) => {
    const query = new URLSearchParams({ cron, time: String(scheduledTime.getTime()) })
    const answer = await fetch(`http://127.0.0.1:${port}/cdn-cgi/handler/scheduled?${query}`)
    return answer.ok
  }

/**
 * Fires Cron Triggers when they are due (UTC), because workerd does not. A failed trigger is reported and not repeated: the
 * next tick does its work too. Answers a function that stops the clock.
 */
export const startTicking = (fire: Fire, crons: readonly string[]): (() => Promise<void>) => {
  const tickers = crons.map(
    (cron) =>
      new Cron(cron, { timezone: 'UTC' }, async (ticker: Cron) => {
        const fired = await fire(cron, ticker.currentRun() ?? new Date()).catch(() => false)
        if (!fired) console.error(`watcher: the cron ${cron} could not be fired; the next tick does its work`)
      }),
  )
  return async () => {
    for (const ticker of tickers) ticker.stop()
  }
}
