import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { fireByPath, lastDue, startTicking } from '../../src/server/cron.ts'

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

it('fires each cron when it is due, with its scheduled time, until it is stopped', async () => {
  const fired: URL[] = []
  const server = createServer((request, response) => {
    fired.push(new URL(request.url ?? '', 'http://localhost'))
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const stop = startTicking(fireByPath((server.address() as AddressInfo).port), ['* * * * * *', '0 0 1 1 *'])
  try {
    await vi.waitFor(() => expect(fired.length).toBeGreaterThanOrEqual(2), { timeout: 10_000 })
  } finally {
    await stop()
    server.closeAllConnections()
    server.close()
  }
  expect(new Set(fired.map(({ pathname }) => pathname))).toEqual(new Set(['/cdn-cgi/handler/scheduled']))
  expect(new Set(fired.map(({ searchParams }) => searchParams.get('cron')))).toEqual(new Set(['* * * * * *']))
  const times = fired.map(({ searchParams }) => Number(searchParams.get('time')))
  expect(new Set(times).size).toBe(times.length)
  for (const time of times) expect([time % 1000, Math.abs(time - Date.now()) < 15_000]).toEqual([0, true])
})

it.each([
  ['2026-01-01T02:15:00.000Z', '2026-01-01T02:15:00.000Z'],
  ['2026-01-01T02:15:00.003Z', '2026-01-01T02:15:00.000Z'],
  ['2026-01-01T02:29:59.999Z', '2026-01-01T02:15:00.000Z'],
  ['2026-01-01T00:00:00.500Z', '2026-01-01T00:00:00.000Z'],
])('knows when a cron was due last: %s', (now, due) => {
  expect(lastDue('*/15 * * * *', new Date(now))?.toISOString()).toBe(due)
})

describe('a tick', () => {
  /** Notes each firing as [seconds since the first moment, minute of the scheduled time]. */
  const begin = (now: string, fails: (count: number) => boolean, options?: { catchesUp?: boolean }) => {
    vi.useFakeTimers({ now: new Date(now) })
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const begun = Date.now()
    const fired: [seconds: number, due: string][] = []
    const fire = async (_cron: string, due: Date) => {
      fired.push([Math.round((Date.now() - begun) / 1000), due.toISOString().slice(11, 16)])
      if (fails(fired.length)) throw new Error('no worker')
      return true
    }
    return { fired, stop: startTicking(fire, ['*/15 * * * *'], options) }
  }

  it('that could not be fired is tried again, at most five seconds later, and then not any more', async () => {
    const { fired, stop } = begin('2026-01-01T02:14:59Z', (count) => count < 7)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(new Set(fired.map(([, due]) => due))).toEqual(new Set(['02:15']))
    const gaps = fired.slice(1).map(([seconds], index) => seconds - (fired[index]?.[0] ?? 0))
    expect([fired.length, Math.max(...gaps)]).toEqual([7, 5])
    expect(console.error).toHaveBeenCalledTimes(1)
    await stop()
  })

  it('gives way to the next one of its cron', async () => {
    const { fired, stop } = begin('2026-01-01T02:14:59Z', () => true)
    await vi.advanceTimersByTimeAsync(16 * 60_000)
    const stopped = stop()
    await vi.advanceTimersByTimeAsync(10)
    await stopped
    const last = fired.findLastIndex(([, due]) => due === '02:15')
    expect(fired.slice(last + 1).every(([, due]) => due === '02:30')).toBe(true)
    expect(fired.at(-1)?.[1]).toBe('02:30')
  })

  it('that was due while nothing ran is made up at the start', async () => {
    const { fired, stop } = begin('2026-01-01T02:20:00Z', () => false, { catchesUp: true })
    await vi.advanceTimersByTimeAsync(1_000)
    expect(fired).toEqual([[0, '02:15']])
    await vi.advanceTimersByTimeAsync(15 * 60_000)
    expect(fired).toEqual([
      [0, '02:15'],
      [600, '02:30'],
    ])
    await stop()
  })
})
