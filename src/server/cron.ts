import { Cron } from 'croner'

/** Fires one Cron Trigger; answers false, or throws, if that failed and should be tried again. */
export type Fire = (cron: string, scheduledTime: Date) => Promise<boolean>

/** Fires through the path that `wrangler dev` offers for crons. */
export const fireByPath =
  (port: number): Fire =>
  async (cron, scheduledTime) => {
    const query = new URLSearchParams({ cron, time: String(scheduledTime.getTime()) })
    const answer = await fetch(`http://127.0.0.1:${port}/cdn-cgi/handler/scheduled?${query}`)
    return answer.ok
  }

/** The last time at or before `now` when the cron was due, exactly: a tick that comes late, or again, keeps its time. */
export const lastDue = (cron: string, now: Date): Date | undefined =>
  // croner's answer lies before its reference
  new Cron(cron, { timezone: 'UTC', paused: true }).previousRuns(1, new Date(now.getTime() + 1))[0]

/** Waits, but not beyond the signal. */
const wait = (millis: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, millis)
    if (signal.aborted) end()
    else signal.addEventListener('abort', end)
  })

const FIRST_DELAY_MILLIS = 500
const MAX_DELAY_MILLIS = 5_000

/**
 * Fires Cron Triggers when they are due (UTC), because workerd does not. A tick that could not be fired is tried again, at most
 * five seconds later, until it is fired or the next tick of its cron takes its place: that one does its work too. With
 * `catchesUp`, each cron's last tick is fired at once: it may have been due while nothing ran. A tick that fires twice is
 * recorded once. Answers a function that stops the clock and waits for the ticks under way.
 */
export const startTicking = (fire: Fire, crons: readonly string[], { catchesUp = false } = {}): (() => Promise<void>) => {
  const stopping = new AbortController()
  const underWay = new Set<Promise<void>>()
  const latest = new Map<string, Date>()

  const fireUntilDone = async (cron: string, scheduledTime: Date): Promise<void> => {
    latest.set(cron, scheduledTime)
    const isWanted = () => latest.get(cron) === scheduledTime && !stopping.signal.aborted
    for (let delayMillis = FIRST_DELAY_MILLIS; isWanted(); delayMillis = Math.min(delayMillis * 2, MAX_DELAY_MILLIS)) {
      if (await fire(cron, scheduledTime).catch(() => false)) return
      if (delayMillis === FIRST_DELAY_MILLIS && isWanted())
        console.error(`watcher: the cron ${cron} could not be fired; trying again until it is`)
      await wait(delayMillis, stopping.signal)
    }
  }
  const begin = (cron: string, scheduledTime: Date) => {
    const firing: Promise<void> = fireUntilDone(cron, scheduledTime).finally(() => underWay.delete(firing))
    underWay.add(firing)
  }

  const tickers = crons.map(
    (cron) =>
      new Cron(cron, { timezone: 'UTC' }, () => {
        const now = new Date()
        begin(cron, lastDue(cron, now) ?? now)
      }),
  )
  if (catchesUp) {
    for (const cron of crons) {
      const last = lastDue(cron, new Date())
      if (last) begin(cron, last)
    }
  }
  return async () => {
    for (const ticker of tickers) ticker.stop()
    stopping.abort()
    await Promise.all(underWay)
  }
}
