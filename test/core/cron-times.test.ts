import { describe, expect, it } from 'vitest'
import { nextTime, timeBefore } from '../../src/core/cron.ts'

/** The hours of clock change. Outside of them, test/tools/cron-times.test.ts compares the times with those of another implementation. */

const HOUR_MILLIS = 3_600_000

/** All times from a moment until another one, both in UTC; each must be found backwards too. */
const timesBetween = (cron: string, timezone: string, from: string, until: string): string[] => {
  const times: Date[] = []
  let at = nextTime(cron, timezone, new Date(Date.parse(from) - 1))
  while (at && at <= new Date(until)) {
    times.push(at)
    at = nextTime(cron, timezone, at)
  }
  const back: Date[] = []
  let before = timeBefore(cron, timezone, new Date(Date.parse(until) + 1))
  while (before && before >= new Date(from)) {
    back.unshift(before)
    before = timeBefore(cron, timezone, before)
  }
  expect(back).toEqual(times)
  return times.map((time) => time.toISOString().slice(11, 16))
}

/** The hours around a change, in UTC, and what expressions answer in them. */
interface Change {
  timezone: string
  what: string
  from: string
  until: string
  times: Record<string, string[]>
}

const CHANGES: Change[] = [
  {
    timezone: 'Europe/Berlin',
    what: 'from 02:00 to 03:00, at 01:00 UTC',
    from: '2027-03-28T00:00Z',
    until: '2027-03-28T02:00Z',
    times: {
      '30 1 * * *': ['00:30'],
      '0 2 * * *': ['01:00'],
      '30 2 * * *': ['01:00'],
      '0 3 * * *': ['01:00'],
      '30 3 * * *': ['01:30'],
      '0 2,3 * * *': ['01:00'],
      '30 1-3 * * *': ['00:30', '01:30'],
      '15,45 2 * * *': [],
      '*/30 * * * *': ['00:00', '00:30', '01:00', '01:30', '02:00'],
      '@hourly': ['00:00', '01:00', '02:00'],
    },
  },
  {
    timezone: 'Europe/Berlin',
    what: 'from 03:00 back to 02:00, at 01:00 UTC',
    from: '2027-10-30T23:00Z',
    until: '2027-10-31T02:00Z',
    times: {
      '30 1 * * *': ['23:30'],
      '0 2 * * *': ['00:00'],
      '30 2 * * *': ['00:30'],
      '0 3 * * *': ['02:00'],
      '0 2,3 * * *': ['00:00', '01:00', '02:00'],
      '30 1-3 * * *': ['23:30', '00:30', '01:30'],
      '15,45 2 * * *': ['00:15', '00:45', '01:15', '01:45'],
      '*/30 * * * *': ['23:00', '23:30', '00:00', '00:30', '01:00', '01:30', '02:00'],
      '@hourly': ['23:00', '00:00', '01:00', '02:00'],
    },
  },
  {
    timezone: 'America/New_York',
    what: 'from 02:00 to 03:00, at 07:00 UTC',
    from: '2027-03-14T06:00Z',
    until: '2027-03-14T08:00Z',
    times: {
      '59 1 * * *': ['06:59'],
      '0 2 * * *': ['07:00'],
      '59 2 * * *': ['07:00'],
      '0 3 * * SUN': ['07:00'],
      '15,45 2 * * *': [],
      '30 * * * *': ['06:30', '07:30'],
    },
  },
  {
    timezone: 'America/New_York',
    what: 'from 02:00 back to 01:00, at 06:00 UTC',
    from: '2027-11-07T04:00Z',
    until: '2027-11-07T08:00Z',
    times: {
      '@daily': ['04:00'],
      '0 1 * * *': ['05:00'],
      '59 1 * * SUN#1': ['05:59'],
      '0 2 * * *': ['07:00'],
      '15,45 1 * * *': ['05:15', '05:45', '06:15', '06:45'],
      '30 * * * *': ['04:30', '05:30', '06:30', '07:30'],
    },
  },
  {
    timezone: 'Australia/Lord_Howe',
    what: 'from 02:00 to 02:30, at 15:30 UTC',
    from: '2027-10-02T14:30Z',
    until: '2027-10-02T16:30Z',
    times: {
      '45 1 * * *': ['15:15'],
      '0 2 * * *': ['15:30'],
      '15 2 * * *': ['15:30'],
      '30 2 * * *': ['15:30'],
      '45 2 * * *': ['15:45'],
      '15,45 2 * * *': ['15:45'],
      '*/15 * * * *': ['14:30', '14:45', '15:00', '15:15', '15:30', '15:45', '16:00', '16:15', '16:30'],
      '@hourly': ['14:30', '16:00'],
    },
  },
  {
    timezone: 'Australia/Lord_Howe',
    what: 'from 02:00 back to 01:30, at 15:00 UTC',
    from: '2027-04-03T14:00Z',
    until: '2027-04-03T16:30Z',
    times: {
      '15 1 * * *': ['14:15'],
      '30 1 * * *': ['14:30'],
      '45 1 * * *': ['14:45'],
      '0 2 * * *': ['15:30'],
      '15,45 1 * * *': ['14:15', '14:45', '15:15'],
      '*/15 * * * *': ['14:00', '14:15', '14:30', '14:45', '15:00', '15:15', '15:30', '15:45', '16:00', '16:15', '16:30'],
      '@hourly': ['14:00', '15:30', '16:30'],
    },
  },
]

/** A daily time that the clock leaves out comes at the change, one that it shows twice comes at the first. Several times a day, or any minute, are what the clock shows. */
describe.each(CHANGES)('when the clock goes $what in $timezone', ({ timezone, from, until, times }) => {
  it.each(Object.entries(times))('%s is due at %j', (cron, expected) => {
    expect(timesBetween(cron, timezone, from, until)).toEqual(expected)
  })
})

describe.each(['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'])('in %s', (timezone) => {
  const clock = new Intl.DateTimeFormat('sv', { timeZone: timezone, dateStyle: 'short', timeStyle: 'short' })

  it.each(['0 0', '30 1', '0 2', '15 2', '30 2', '0 3'])('a time of day comes on each day of two years, once (%s)', (time) => {
    const days: string[] = []
    let at = nextTime(`${time} * * *`, timezone, new Date('2027-01-01T12:00:00Z'))
    while (at && at < new Date('2029-01-01T12:00:00Z')) {
      days.push(clock.format(at).slice(0, 10))
      at = nextTime(`${time} * * *`, timezone, at)
    }
    expect([days.length, new Set(days).size]).toEqual([731, 731])
  })

  it.each<[cron: string, isDue: (hour: number, minute: number) => boolean]>([
    ['*/10 * * * *', (_hour, minute) => minute % 10 === 0],
    ['5-55/25 * * * *', (_hour, minute) => minute % 25 === 5],
    ['0,30 1-3 * * *', (hour, minute) => hour >= 1 && hour <= 3 && minute % 30 === 0],
    ['*/20 2 * * *', (hour, minute) => hour === 2 && minute % 20 === 0],
  ])('%s comes whenever the clock shows such a time, on all days of change', (cron, isDue) => {
    for (const change of changesOf(clock)) {
      const [from, until] = [change - 12 * HOUR_MILLIS, change + 12 * HOUR_MILLIS]
      const shown: string[] = []
      for (let at = from; at <= until; at += HOUR_MILLIS / 12) {
        const [hour = 0, minute = 0] = clock.format(at).slice(11).split(':').map(Number)
        if (isDue(hour, minute)) shown.push(new Date(at).toISOString().slice(11, 16))
      }
      expect(timesBetween(cron, timezone, new Date(from).toISOString(), new Date(until).toISOString())).toEqual(shown)
    }
  })
})

/** The full hours in two years before which a clock changes. */
function changesOf(clock: Intl.DateTimeFormat): number[] {
  const changes: number[] = []
  const read = (at: number) => Date.parse(`${clock.format(at).replace(' ', 'T')}Z`) - at
  for (let at = Date.UTC(2027, 0, 1); at < Date.UTC(2029, 0, 1); at += HOUR_MILLIS) {
    if (read(at) !== read(at - HOUR_MILLIS)) changes.push(at)
  }
  expect(changes).toHaveLength(4)
  return changes
}
