import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CRONS } from '../../src/jobs/crons.ts'
import { countRoundTrips, expectError, get, sql } from '../support/api.ts'
import { setClock } from '../support/background.ts'

/** Each test begins when no earlier answer is fresh. */
let hour = 0
beforeEach(async () => {
  hour += 1
  setClock(new Date(Date.UTC(2031, 0, 1, hour)))
  await sql(`update cron_tick set due_at = $1, came_at = $1, fault = null`, [new Date(Date.now() - 60_000).toISOString()])
})
afterEach(() => {
  vi.useRealTimers()
})

const deep = () => get('/?deep=true')
const secondsLater = (seconds: number) => setClock(new Date(Date.now() + seconds * 1000))
const age = (cron: string, seconds: number) =>
  sql(`update cron_tick set due_at = $2 where cron = $1`, [cron, new Date(Date.now() - seconds * 1000).toISOString()])

describe('GET /?deep=true', () => {
  it('names the last tick of each cron', async () => {
    await sql(`update cron_tick set fault = '1 of 3 scheduled tasks failed' where cron = $1`, [CRONS.quarterHourly])
    const { status, body } = await deep()
    expect([status, body.status, body.crons.length]).toEqual([200, 'ok', 3])
    expect(body.crons.find(({ cron }: { cron: string }) => cron === CRONS.quarterHourly)).toEqual({
      cron: '*/15 * * * *',
      due_at: `2031-01-01T${String(hour - 1).padStart(2, '0')}:59:00.000000Z`,
      came_at: `2031-01-01T${String(hour - 1).padStart(2, '0')}:59:00.000000Z`,
      fault: '1 of 3 scheduled tasks failed',
    })
  })

  it.each([
    [CRONS.quarterHourly, 30 * 60],
    [CRONS.hourly, 2 * 60 * 60],
    [CRONS.daily, 48 * 60 * 60],
  ])('is 503 when the cron %s has been silent for more than two periods', async (cron, seconds) => {
    await age(cron, seconds)
    expect((await deep()).status).toBe(200)
    await age(cron, seconds + 10)
    secondsLater(6)
    const silent = await deep()
    expectError(silent, 503, 'cron_silent')
    expect(silent.body.message).toContain(`the cron ${cron} has not fired since 20`)
    expect(silent.headers.get('retry-after')).toBe('60')
  })

  it('asks the database once in five seconds, however many ask, and is then true again', async () => {
    await deep()
    const before = await countRoundTrips()
    await Promise.all(Array.from({ length: 50 }, deep))
    expect(await countRoundTrips()).toBe(before)
    secondsLater(5)
    expect((await Promise.all(Array.from({ length: 50 }, deep))).every(({ status }) => status === 200)).toBe(true)
    expect(await countRoundTrips()).toBe(before + 1)
  })
})
