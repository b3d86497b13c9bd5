import { Cron } from 'croner'

/**
 * Fires Cron Triggers when they are due, in UTC: `wrangler dev` only offers a path for each. One that cannot be fired is
 * reported and not repeated; the next one makes up for it.
 */
export const startTicking = (port: number, crons: readonly string[]): (() => Promise<void>) => {
  const tickers = crons.map(
    (cron) =>
      new Cron(cron, { timezone: 'UTC' }, async (ticker: Cron) => {
        const query = new URLSearchParams({ cron, time: String(ticker.currentRun()?.getTime() ?? Date.now()) })
        const answer = await fetch(`http://127.0.0.1:${port}/cdn-cgi/handler/scheduled?${query}`).catch(() => undefined)
        if (!answer?.ok) console.error(`watcher: the cron ${cron} could not be fired`)
      }),
  )
  return async () => {
    for (const ticker of tickers) ticker.stop()
  }
}
