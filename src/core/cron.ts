import { Cron } from 'croner'

/** Scheduled times, by croner in its five-part mode. Making one costs 0.1 ms, so the last ones are kept. */

const MAX_KEPT = 2_000
const kept = new Map<string, Cron>()

const parse = (cron: string, timezone: string): Cron => {
  const key = `${timezone} ${cron}`
  const known = kept.get(key)
  if (known) return known
  const made = new Cron(cron, { mode: '5-part', timezone, paused: true })
  if (kept.size >= MAX_KEPT) kept.clear()
  kept.set(key, made)
  return made
}

/** Five fields, or a name like `@daily`: croner would also take a single date. */
const SHAPE = /^(@[a-z]+|\S+( +\S+){4})$/i

/** Says what is wrong with a time zone; undefined if it is one. */
export const timezoneFault = (timezone: string): string | undefined => {
  const fault = 'Must be an IANA time zone such as Europe/Berlin'
  // JavaScript also takes an offset like +02:00. PostgreSQL reads its sign the other way round.
  if (/^[+-]/.test(timezone)) return fault
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone })
    return undefined
  } catch {
    return fault
  }
}

/** Says what is wrong with an expression; undefined if it is one that can fire. */
export const cronFault = (cron: string): string | undefined => {
  const fault = 'Must be a cron expression of five fields such as 30 6 * * 1-5, or @hourly, @daily, @weekly, @monthly, @yearly'
  if (!SHAPE.test(cron)) return fault
  try {
    return parse(cron, 'UTC').nextRun(new Date()) === null ? 'This expression never fires' : undefined
  } catch {
    return fault
  }
}

/** The first scheduled time after a moment; undefined if there is none. */
export const nextTime = (cron: string, timezone: string, after: Date): Date | undefined => parse(cron, timezone).nextRun(after) ?? undefined

/** The last scheduled time before a moment; undefined if there is none. */
export const timeBefore = (cron: string, timezone: string, before: Date): Date | undefined =>
  parse(cron, timezone).previousRuns(1, before)[0]

/** The next scheduled times after a moment. */
export const nextTimes = (cron: string, timezone: string, after: Date, count: number): Date[] =>
  parse(cron, timezone).nextRuns(count, after)

const formats = new Map<string, Intl.DateTimeFormat>()

/** The minutes by which a time zone is ahead of UTC at a moment. */
const offsetMinutes = (timezone: string, at: Date): number => {
  const format =
    formats.get(timezone) ??
    new Intl.DateTimeFormat('en', {
      timeZone: timezone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
    })
  formats.set(timezone, format)
  const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]))
  const local = Date.UTC(part.year ?? 0, (part.month ?? 1) - 1, part.day, part.hour, part.minute)
  return Math.round((local - at.getTime()) / 60_000)
}

const HOUR_MILLIS = 3_600_000

/** True within the hour before or after a change of the clock. */
export const isNearClockChange = (timezone: string, at: Date): boolean =>
  timezone !== 'UTC' &&
  offsetMinutes(timezone, new Date(at.getTime() - HOUR_MILLIS)) !== offsetMinutes(timezone, new Date(at.getTime() + HOUR_MILLIS))
