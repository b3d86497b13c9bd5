import { CronExpressionParser } from 'cron-parser'
import { describe, expect, it } from 'vitest'
import { cronFault, isNearClockChange, nextTime, timeBefore } from '../../src/core/cron.ts'
import { seededBy } from '../../src/demo/seeded.ts'
import { type RandomSchedule, randomSchedules } from '../support/node/random-crons.ts'

/** For more: `CRON_SEED=7 CRON_TIMES=200 npx vitest run --project node test/tools/cron-times.test.ts`. */
const SEED = Number(process.env.CRON_SEED ?? 1)
const SCHEDULES = 1_000
/** Two years with a 29 February. */
const FROM = Date.UTC(2027, 0, 1)
const UNTIL = Date.UTC(2029, 0, 1)
/** So many times in a row are compared in each of so many parts of the two years. A schedule that has no more in all is compared at each of its times. */
const PARTS = 4
const MAX_TIMES = Number(process.env.CRON_TIMES ?? 5)

/** The same expression as cron-parser reads it. Several: their times together are those of the expression. */
const expressionsForCronParser = (cron: string): string[] => {
  if (cron.startsWith('@')) return [cron]
  const fields = cron.split(' ')
  // A range cannot end on the name of Sunday: `fri-sun` is `fri-7`.
  const weekdays = fields.pop()?.replace(/-sun/i, '-7') ?? ''
  // `#` cannot be in a list, and `1L,monL` is refused.
  return (/[#L]/.test(weekdays) ? weekdays.split(',') : [weekdays]).map((weekday) => [...fields, weekday].join(' '))
}

/** cron-parser's next time after a moment, and its last one before; undefined where it gives up. */
const openCronParser = ({ cron, timezone }: RandomSchedule) => {
  const parsers = expressionsForCronParser(cron).map((text) => CronExpressionParser.parse(text, { tz: timezone }))
  const ask = (moment: Date, step: 'next' | 'prev'): number[] | undefined => {
    try {
      return parsers.map((parser) => {
        parser.reset(moment)
        return parser[step]().getTime()
      })
    } catch (error) {
      // It searches in vain before some changes of the clock, for example by half an hour.
      if (String(error).includes('loop limit exceeded')) return undefined
      throw error
    }
  }
  const dated = (times: number[] | undefined, choose: (...times: number[]) => number) => times && new Date(choose(...times))
  return {
    next: (after: Date) => dated(ask(after, 'next'), Math.min),
    before: (before: Date) => dated(ask(before, 'prev'), Math.max),
  }
}

const DAY_MILLIS = 24 * 3_600_000

/** True if the clock changes between two moments. */
const changesBetween = (timezone: string, one: Date, other: Date): boolean => {
  const format = new Intl.DateTimeFormat('en', { timeZone: timezone, timeZoneName: 'longOffset' })
  const offsetAt = (at: number) => format.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value
  const [from = 0, until = 0] = [one.getTime(), other.getTime()].sort((a, b) => a - b)
  for (let at = from; at < until; at += DAY_MILLIS) {
    if (offsetAt(at) !== offsetAt(Math.min(at + DAY_MILLIS, until))) return true
  }
  return false
}

describe('the times of a cron expression', () => {
  it(`are those of cron-parser for ${SCHEDULES} random expressions and zones, outside the hours of clock change (seed ${SEED})`, {
    timeout: 3_600_000,
  }, () => {
    const schedules = randomSchedules(SEED)
    const random = seededBy(`parts ${SEED}`)
    let compared = 0
    let leftOut = 0

    const compare = (schedule: RandomSchedule, from: Date, ours: Date | undefined, theirs: Date | undefined, what: string): void => {
      const { timezone } = schedule
      const moments = [from, ours, theirs].filter((moment) => moment !== undefined)
      if (moments.some((moment) => isNearClockChange(timezone, moment))) {
        leftOut += 1
        return
      }
      if (theirs === undefined && ours && changesBetween(timezone, from, ours)) {
        leftOut += 1
        return
      }
      compared += 1
      if (ours?.getTime() !== theirs?.getTime()) {
        expect.fail(`${JSON.stringify(schedule)}: ${what} ${from.toISOString()} is ${ours?.toISOString()}, not ${theirs?.toISOString()}`)
      }
    }

    const compareTimes = (schedule: RandomSchedule): void => {
      const { cron, timezone } = schedule
      const cronParser = openCronParser(schedule)
      let after = new Date(FROM)
      for (let part = 0; part < PARTS; part += 1) {
        const begin = FROM + ((part + random()) / PARTS) * (UNTIL - FROM)
        if (part > 0 && after.getTime() < begin) after = new Date(begin)
        for (let times = 0; times < MAX_TIMES && after.getTime() < UNTIL; times += 1) {
          const next = nextTime(cron, timezone, after)
          compare(schedule, after, next, cronParser.next(after), 'the time after')
          if (!next) return
          if (times === 0) compare(schedule, next, timeBefore(cron, timezone, next), cronParser.before(next), 'the time before')
          after = next
        }
      }
    }

    const seen: string[] = []
    while (seen.length < SCHEDULES) {
      const schedule = schedules()
      if (cronFault(schedule.cron) === 'This expression never fires') continue
      compareTimes(schedule)
      seen.push(schedule.cron)
    }
    // Each form has had its turn, and hardly anything was left out.
    for (const form of [/^@/, /L/, /#/, /[a-z]/i, /\*\//, /-\d+\/\d/, /,/, /-sun/i]) {
      expect(seen.filter((cron) => form.test(cron)).length, String(form)).toBeGreaterThan(SCHEDULES / 100)
    }
    expect(compared).toBeGreaterThan(SCHEDULES * 15)
    expect(leftOut).toBeLessThan(compared / 100)
    console.log(`${compared} times compared, ${leftOut} in hours of change left out`)
  })
})
