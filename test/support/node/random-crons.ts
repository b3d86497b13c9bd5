import { seededBy } from '../../../src/demo/seeded.ts'

/** A schedule by cron, as settings of a pipeline have it. */
export interface RandomSchedule {
  cron: string
  timezone: string
}

const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ')
const WEEKDAYS = 'sun mon tue wed thu fri sat'.split(' ')
const NICKNAMES = ['@hourly', '@daily', '@weekly', '@monthly', '@yearly', '@annually']

/** Half of the schedules are in one of these: clocks that change by an hour, at midnight, by half an hour or never, and odd offsets. */
const TELLING_ZONES = [
  'UTC',
  'Europe/Berlin',
  'Europe/London',
  'America/New_York',
  'America/Los_Angeles',
  'America/St_Johns',
  'America/Santiago',
  'America/Havana',
  'Atlantic/Azores',
  'Africa/Cairo',
  'Africa/Casablanca',
  'Asia/Beirut',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Asia/Tokyo',
  'Australia/Adelaide',
  'Australia/Lord_Howe',
  'Pacific/Auckland',
  'Pacific/Chatham',
  'Pacific/Kiritimati',
]

/** Random schedules from the whole grammar: values, names, ranges, steps, lists, `L`, `#` and nicknames. The same seed gives the same ones. */
export const randomSchedules = (seed: number): (() => RandomSchedule) => {
  const generate = seededBy(`crons ${seed}`)
  const random = (below: number): number => Math.floor(generate() * below)
  const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T
  const between = (min: number, max: number): number => min + random(max - min + 1)
  const sorted = (min: number, max: number): [number, number] =>
    [between(min, max), between(min, max)].sort((a, b) => a - b) as [number, number]
  const zones = Intl.supportedValuesOf('timeZone')

  /** A number, or sometimes its name. Numbers beyond the names have none. */
  const write = (value: number, names: readonly string[], first: number): string => {
    const name = names[value - first]
    if (name === undefined || random(2) === 0) return String(value)
    return pick([name, name.toUpperCase(), name[0]?.toUpperCase() + name.slice(1)])
  }

  const item = (min: number, max: number, names: readonly string[] = [], first = min): string => {
    const [from, to] = sorted(min, max)
    // No range of one value: croner reads `sun-sun` as the whole week, others as a Sunday.
    switch (from === to ? 2 : random(4)) {
      case 0:
        return `${write(from, names, first)}-${write(to, names, first)}`
      case 1:
        return `${from}-${to}/${between(1, 5)}`
      default:
        return write(from, names, first)
    }
  }

  /** No value is in a list twice, which the other implementation refuses: each item is from a part of the range of its own. */
  const list = (min: number, max: number, names?: readonly string[]): string => {
    const parts = between(2, 4)
    const size = (max - min + 1) / parts
    const items = Array.from({ length: parts }, (_, part) =>
      item(min + Math.ceil(part * size), min + Math.ceil((part + 1) * size) - 1, names, min),
    )
    return random(2) === 0 ? items.join(',') : items.reverse().join(',')
  }

  const field = (min: number, max: number, names?: readonly string[]): string => {
    if (random(4) === 0) return list(min, max, names)
    return random(5) === 0 ? `*/${between(1, Math.ceil((max - min) / 2))}` : item(min, max, names)
  }

  const day = (): string => (random(4) > 0 ? field(1, 31) : pick(['L', 'L', `L,${between(1, 28)}`, `${between(1, 28)},L`]))
  const nthWeekday = (): string => write(random(8), WEEKDAYS, 0) + pick(['L', '#1', '#2', '#3', '#4', '#5'])
  /** Sunday is 0 and 7, and a range of names may end on it: `fri-sun`. */
  const weekday = (): string => {
    switch (random(6)) {
      case 0:
        return `${between(0, 6)}-7`
      case 1:
        return `${pick(WEEKDAYS.slice(1))}-${pick(['sun', 'SUN'])}`
      case 2:
      case 3:
        return random(3) === 0 ? `${nthWeekday()},${nthWeekday()}` : nthWeekday()
      default:
        return field(0, 6, WEEKDAYS)
    }
  }

  return () => {
    const often = (chance: number, text: () => string) => (random(100) < chance ? '*' : text())
    // Half of the minutes and hours are one value, so that many schedules can be compared over all their times.
    const fields = [
      random(2) === 0 ? String(random(60)) : often(8, () => field(0, 59)),
      random(2) === 0 ? String(random(24)) : often(30, () => field(0, 23)),
      often(50, day),
      often(60, () => field(1, 12, MONTHS)),
      often(45, weekday),
    ]
    return {
      cron: random(50) === 0 ? pick(NICKNAMES) : fields.join(' '),
      timezone: random(2) === 0 ? pick(TELLING_ZONES) : pick(zones),
    }
  }
}
