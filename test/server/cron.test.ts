import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, vi } from 'vitest'
import { fireByPath, startTicking } from '../../src/server/cron.ts'

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
  for (const time of times) expect(Math.abs(time - Date.now())).toBeLessThan(15_000)
})
