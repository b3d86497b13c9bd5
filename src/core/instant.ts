/**
 * Instants as text. JavaScript's Date has only milliseconds; PostgreSQL and Python have microseconds. So an instant stays
 * a string from the request to the database and back, always in UTC and with six fractional digits:
 * `2025-01-09T20:30:45.123456Z`. Sorting these strings sorts the instants.
 */

const CALENDAR_DATE = String.raw`(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)|(?<basicYear>\d{4})(?<basicMonth>\d\d)(?<basicDay>\d\d)`
const OTHER_DATE = String.raw`(?<weekYear>\d{4})-?W(?<week>\d\d)-?(?<weekday>[1-7])|(?<ordinalYear>\d{4})-?(?<ordinal>\d{3})`
const TIME = String.raw`(?<hour>\d\d)(?::?(?<minute>\d\d)(?::?(?<second>\d\d)(?:[.,](?<fraction>\d+))?)?)?`
// PostgreSQL writes seconds in an offset for instants before standard time, if the session's zone is not UTC.
const OFFSET = String.raw`(?<offset>[zZ]|[+-]\d\d(?::?\d\d(?::\d\d)?)?)`
const ISO_8601 = new RegExp(`^(?:${CALENDAR_DATE}|${OTHER_DATE})(?:[Tt ]${TIME} ?${OFFSET}?)?$`)

const DAY_MILLIS = 24 * 60 * 60 * 1000

/**
 * Reads an ISO 8601 instant: calendar, week or ordinal date, extended or basic form, `T` or a space before the time.
 * A missing time means midnight, a missing offset means UTC; digits after the microsecond are cut. Years 1 to 9999.
 * Returns the canonical form, or null if the text is no such instant (month 13, hour 25, 30 February).
 */
export const parseInstant = (text: string): string | null => {
  const parts = ISO_8601.exec(text.trim())?.groups
  if (!parts) return null
  const date = dateMillis(parts)
  const [hour, minute, second] = [parts.hour, parts.minute, parts.second].map((digits) => Number(digits ?? 0)) as [number, number, number]
  const offset = offsetSeconds(parts.offset)
  const endOfDay = hour === 24 && minute === 0 && second === 0 && !Number(parts.fraction ?? 0)
  // Second 60 is a leap second: it becomes the first second of the next minute.
  if (date === null || offset === null || (hour > 23 && !endOfDay) || minute > 59 || second > 60) return null
  const millis = date + ((hour * 60 + minute) * 60 + second - offset) * 1000
  if (millis < FIRST_MILLIS || millis > LAST_MILLIS) return null
  return `${new Date(millis).toISOString().slice(0, 19)}.${(parts.fraction ?? '').slice(0, 6).padEnd(6, '0')}Z`
}

/** Midnight of a date. Sets the fields one by one, because `Date.UTC` reads the years 0 to 99 as 1900 to 1999. */
const utcDateMillis = (year: number, month: number, day: number): number => {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  return date.getTime()
}
const FIRST_MILLIS = utcDateMillis(1, 1, 1)
const LAST_MILLIS = utcDateMillis(10_000, 1, 1) - 1

const dateMillis = (parts: Record<string, string | undefined>): number | null => {
  if (parts.week !== undefined) return weekDateMillis(Number(parts.weekYear), Number(parts.week), Number(parts.weekday))
  if (parts.ordinal !== undefined) {
    const [year, ordinal] = [Number(parts.ordinalYear), Number(parts.ordinal)]
    const millis = utcDateMillis(year, 1, ordinal)
    return ordinal >= 1 && new Date(millis).getUTCFullYear() === year ? millis : null
  }
  const month = Number(parts.month ?? parts.basicMonth)
  const millis = utcDateMillis(Number(parts.year ?? parts.basicYear), month, Number(parts.day ?? parts.basicDay))
  const rolledOver = new Date(millis).getUTCDate() !== Number(parts.day ?? parts.basicDay)
  return month >= 1 && month <= 12 && !rolledOver ? millis : null
}

/** ISO week 1 is the week that contains 4 January; a year has 52 or 53 weeks. */
const weekDateMillis = (year: number, week: number, weekday: number): number | null => {
  const mondayOfWeekOne = (isoYear: number) => {
    const fourth = utcDateMillis(isoYear, 1, 4)
    return fourth - ((new Date(fourth).getUTCDay() + 6) % 7) * DAY_MILLIS
  }
  const millis = mondayOfWeekOne(year) + ((week - 1) * 7 + weekday - 1) * DAY_MILLIS
  return week >= 1 && millis < mondayOfWeekOne(year + 1) ? millis : null
}

const offsetSeconds = (offset: string | undefined): number | null => {
  if (offset === undefined || offset.toUpperCase() === 'Z') return 0
  const digits = offset.slice(1).replaceAll(':', '').padEnd(6, '0')
  const [hours, minutes, seconds] = [digits.slice(0, 2), digits.slice(2, 4), digits.slice(4)].map(Number) as [number, number, number]
  if (hours > 23 || minutes > 59 || seconds > 59) return null
  return (offset.startsWith('-') ? -1 : 1) * ((hours * 60 + minutes) * 60 + seconds)
}

/** A timestamptz as PostgreSQL writes it in UTC, as text or in JSON. */
const POSTGRES_UTC = /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,6})?\+00(:00)?$/

/** The canonical form of PostgreSQL's text for a timestamptz (`2025-01-09 20:30:45.1+00`, any session zone). Throws if it has none. */
export const formatInstant = (text: string): string => {
  // Almost always: PostgreSQL's own text in UTC, which needs no check. The general form costs ten times as much.
  if (POSTGRES_UTC.test(text)) {
    const end = text.indexOf('+', 19)
    return `${text.slice(0, 10)}T${text.slice(11, 19)}.${text.slice(20, end).padEnd(6, '0')}Z`
  }
  const canonical = parseInstant(text)
  if (canonical === null) throw new Error(`The database returned a timestamp that is no instant: ${text}`)
  return canonical
}

/** A Date in the canonical form. */
export const instantOf = (date: Date): string => date.toISOString().replace('Z', '000Z')

/** True if the instant has a fraction of a second: the time of a clock does, the time of a schedule does not. */
export const hasFraction = (instant: string): boolean => !instant.endsWith('.000000Z')

/** The instant this many whole seconds later (rounded); its microseconds stay. */
export const addSeconds = (instant: string, seconds: number): string => {
  const whole = Date.parse(`${instant.slice(0, 19)}Z`) + Math.round(seconds) * 1000
  return `${new Date(whole).toISOString().slice(0, 19)}${instant.slice(19)}`
}

/** An instant to the minute, for sentences: `2026-03-10 12:00 UTC`. */
export const inMinutes = (instant: string): string => `${instant.slice(0, 16).replace('T', ' ')} UTC`
