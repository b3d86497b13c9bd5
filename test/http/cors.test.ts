import { describe, expect, it } from 'vitest'
import { call, expectError } from '../support/api.ts'

const ORIGIN = 'https://app.example.com'
const SETTINGS = {
  ENV_STATE: 'prod',
  WATCHER_API_TOKENS: 'app:s3cret',
  WATCHER_ALLOWED_ORIGINS: `${ORIGIN}, http://localhost:5173`,
}
const ask = (method: string, path: string, headers: Record<string, string>, settings: Record<string, unknown> = SETTINGS) =>
  call(method, path, undefined, headers, settings)
const preflight = (origin: string, settings?: Record<string, unknown>) =>
  ask(
    'OPTIONS',
    '/start_pipeline_execution',
    { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type' },
    settings,
  )

describe('a page of an origin in WATCHER_ALLOWED_ORIGINS', () => {
  it.each([ORIGIN, 'http://localhost:5173'])('may call with its own token: %s', async (origin) => {
    const asked = await preflight(origin)
    expect(asked.status).toBe(204)
    expect(asked.headers.get('access-control-allow-origin')).toBe(origin)
    expect(asked.headers.get('access-control-allow-methods')?.split(',')).toEqual(['GET', 'POST', 'PATCH'])
    expect(asked.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('authorization')
    const reply = await ask('GET', '/pipeline?limit=1', { origin, authorization: 'Bearer s3cret' })
    expect([reply.status, reply.headers.get('access-control-allow-origin')]).toEqual([200, origin])
    expect(reply.headers.get('access-control-expose-headers')).toContain('Link')
    expect(reply.headers.get('vary')).toContain('Origin')
  })

  it('can read why it is refused, and cannot use the sign-in cookie', async () => {
    const reply = await ask('GET', '/pipeline', { origin: ORIGIN })
    expectError(reply, 401, 'unauthenticated')
    expect(reply.headers.get('access-control-allow-origin')).toBe(ORIGIN)
    expect(reply.headers.get('access-control-allow-credentials')).toBeNull()
    const byCookie = await ask('POST', '/freshness', { origin: ORIGIN, cookie: 'watcher_token=s3cret', 'sec-fetch-site': 'cross-site' })
    expectError(byCookie, 403, 'cross_site_request')
  })
})

describe('any other page', () => {
  it.each(['https://evil.example.com', 'null', `${ORIGIN}.evil.com`, ORIGIN.toUpperCase(), 'http://app.example.com'])(
    'cannot read the answer: %s',
    async (origin) => {
      for (const reply of [await preflight(origin), await ask('GET', '/pipeline?limit=1', { origin, authorization: 'Bearer s3cret' })]) {
        expect([...reply.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
      }
    },
  )

  it('cannot read an answer if the setting is absent', async () => {
    const { WATCHER_ALLOWED_ORIGINS: _, ...closed } = SETTINGS
    expectError(await preflight(ORIGIN, closed), 401, 'unauthenticated')
  })
})

it.each(['*', 'app.example.com', `${ORIGIN}/`, `${ORIGIN},`, `${ORIGIN}/path`])('refuses %s as a list of origins', async (value) => {
  const reply = await ask('GET', '/pipeline', {}, { ...SETTINGS, WATCHER_ALLOWED_ORIGINS: value })
  expectError(reply, 503, 'misconfigured')
  expect(reply.body.message).toContain('WATCHER_ALLOWED_ORIGINS')
})
