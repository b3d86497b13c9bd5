import { afterEach, describe, expect, it, vi } from 'vitest'
import { call, expectError, unique } from '../support/api.ts'

const TOKENS = { WATCHER_API_TOKENS: 'airflow:s3cret-of-airflow, dashboards:s3cret-to-read:read', ENV_STATE: 'prod' }
const WRITES = { authorization: 'Bearer s3cret-of-airflow' }
const READS = { authorization: 'Bearer s3cret-to-read' }
const SAME_ORIGIN = { 'sec-fetch-site': 'same-origin' }

const send = (
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: unknown,
  settings: Record<string, unknown> = TOKENS,
) => call(method, path, body, headers, settings)

afterEach(() => {
  vi.restoreAllMocks()
})

describe('a request without a token', () => {
  it('is refused on every path except health, and the answer names the scheme', async () => {
    for (const [method, path] of [
      ['GET', '/pipeline'],
      ['POST', '/pipeline'],
      ['GET', '/openapi.json'],
      ['GET', '/scalar'],
      ['GET', '/nowhere'],
      ['PUT', '/pipeline'],
      ['OPTIONS', '/pipeline'],
    ] as const) {
      const reply = await send(method, path)
      expectError(reply, 401, 'unauthenticated')
      expect(reply.headers.get('www-authenticate')).toBe('Bearer realm="watcher"')
    }
    expect((await send('GET', '/')).body).toEqual({ status: 'ok' })
    expect((await send('HEAD', '/')).status).toBe(200)
  })

  it.each([
    'Bearer wrong',
    'Bearer s3cret-of-airflo',
    'Bearer s3cret-of-airflow1',
    `Bearer ${'x'.repeat(5000)}`,
    'Bearer airflow:s3cret-of-airflow',
    'bearer S3CRET-OF-AIRFLOW',
    `Bearer s3cret-of-airflow${'%00'.repeat(200)}`,
  ])('is refused with an unknown token: %.40s', async (authorization) => {
    const reply = await send('GET', '/pipeline', { authorization })
    expectError(reply, 401, 'unauthenticated')
    expect(reply.headers.get('www-authenticate')).toBe('Bearer realm="watcher", error="invalid_token"')
  })

  it.each(['Basic czNjcmV0', 'Bearer', 'Bearer ', 's3cret-of-airflow', 'Bearer a b'])(
    'is refused with a header that has no token: %s',
    async (authorization) => {
      expectError(await send('GET', '/pipeline', { authorization }), 401, 'unauthenticated')
    },
  )
})

describe('a token', () => {
  it('may write, or only read', async () => {
    const body = { name: unique('p'), pipeline_type_name: 't' }
    expect((await send('POST', '/pipeline', WRITES, body)).status).toBe(201)
    expect((await send('GET', '/pipeline?limit=1', READS)).status).toBe(200)
    expect((await send('HEAD', '/pipeline?limit=1', READS)).status).toBe(200)
    expect((await send('OPTIONS', '/pipeline', READS)).status).toBe(204)
    for (const [method, path] of [
      ['POST', '/pipeline'],
      ['PATCH', '/pipeline'],
      ['POST', '/freshness'],
      ['POST', '/log_cleanup'],
      ['DELETE', '/pipeline'],
    ] as const) {
      const reply = await send(method, path, READS, method === 'DELETE' ? undefined : body)
      expectError(reply, 403, 'read_only_token')
      expect(reply.body.message).toContain('"dashboards" may only read')
    }
  })

  it('is named in the log, and never shown there or in an answer', async () => {
    const lines: string[] = []
    vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line))
    const replies = [
      await send('GET', '/pipeline?limit=1', WRITES),
      await send('POST', '/pipeline', READS, {}),
      await send('GET', '/pipeline'),
    ]
    const logged = lines.map((line) => JSON.parse(line)).filter(({ message }) => message === 'request')
    expect(logged.map(({ token, status }) => [token, status])).toEqual([
      ['airflow', 200],
      [undefined, 403],
      [undefined, 401],
    ])
    expect(JSON.stringify([lines, replies])).not.toContain('s3cret')
  })
})

describe('a token that sends too many requests', () => {
  it('gets 429, and other tokens do not', async () => {
    const settings = { ...TOKENS, WATCHER_API_TOKENS: 'wild:s3cret-wild,calm:s3cret-calm' }
    const wild = () => send('GET', '/nowhere', { authorization: 'Bearer s3cret-wild' }, undefined, settings)
    let limited: Awaited<ReturnType<typeof wild>> | undefined
    // The limit is in wrangler.toml. A window of the platform's counter may end in between.
    for (let sent = 0; sent < 2500 && !limited; sent += 1) {
      const reply = await wild()
      if (reply.status === 429) limited = reply
    }
    if (!limited) throw new Error('2,500 requests did not reach the limit')
    expectError(limited, 429, 'rate_limited')
    expect(limited.headers.get('retry-after')).toBe('10')
    expect((await send('GET', '/pipeline?limit=1', { authorization: 'Bearer s3cret-calm' }, undefined, settings)).status).toBe(200)
  })
})

describe('the rate limit', () => {
  it('lets the request pass if its counter fails', async () => {
    const RATE_LIMIT = { limit: () => Promise.reject(new Error('the counter is away')) }
    expect((await send('GET', '/pipeline?limit=1', WRITES, undefined, { ...TOKENS, RATE_LIMIT })).status).toBe(200)
  })
})

describe('a deployment', () => {
  it('without tokens is closed in production and names the missing setting; in dev and test it is open', async () => {
    const reply = await send('GET', '/pipeline', WRITES, undefined, { ENV_STATE: 'prod' })
    expectError(reply, 503, 'misconfigured')
    expect(reply.body.message).toContain('WATCHER_API_TOKENS is not set')
    expect((await send('GET', '/', {}, undefined, { ENV_STATE: 'prod' })).status).toBe(200)
    for (const ENV_STATE of ['dev', 'test']) expect((await send('GET', '/pipeline?limit=1', {}, undefined, { ENV_STATE })).status).toBe(200)
    // If tokens are set, every environment needs one.
    expectError(await send('GET', '/pipeline', {}, undefined, { ...TOKENS, ENV_STATE: 'test' }), 401, 'unauthenticated')
  })

  it.each([
    's3cret',
    'a:s3cret:write',
    'a:s3cret,',
    'a:s3cret,a:other-s3cret',
    'a:s3cret,b:s3cret',
    'a b:s3cret',
    `a:${'s3cret'.repeat(50)}`,
  ])('with malformed tokens names the setting, and never its value: %.30s', async (WATCHER_API_TOKENS) => {
    const reply = await send('GET', '/pipeline', WRITES, undefined, { ...TOKENS, WATCHER_API_TOKENS })
    expectError(reply, 503, 'misconfigured')
    expect(reply.body.message).toContain('WATCHER_API_TOKENS must be a comma-separated list')
    expect(reply.body.message).not.toContain('s3cret')
  })

  it('without tokens refuses what a page of another site writes, and takes it from its own pages, allowed pages and programs', async () => {
    const open = { ENV_STATE: 'dev', WATCHER_API_TOKENS: '', WATCHER_ALLOWED_ORIGINS: 'https://app.example.com' }
    const write = (headers: Record<string, string>) => send('POST', '/pipeline_type', headers, { name: unique('foreign') }, open)
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
    ] as Record<string, string>[])
      expectError(await write(headers), 403, 'cross_site_request')
    for (const headers of [
      {},
      SAME_ORIGIN,
      { 'sec-fetch-site': 'none' },
      { origin: 'https://app.example.com', 'sec-fetch-site': 'cross-site' },
    ] as Record<string, string>[])
      expect((await write(headers)).status, JSON.stringify(headers)).toBe(201)
    expect((await send('GET', '/pipeline', { 'sec-fetch-site': 'cross-site' }, undefined, open)).status).toBe(200)
  })

  it('prefers the tokens with the prefix of its environment', async () => {
    const settings = { ...TOKENS, PROD_WATCHER_API_TOKENS: 'ci:another' }
    expectError(await send('GET', '/pipeline', WRITES, undefined, settings), 401, 'unauthenticated')
    expect((await send('GET', '/pipeline?limit=1', { authorization: 'bearer another' }, undefined, settings)).status).toBe(200)
  })
})

describe('signing in', () => {
  const form = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
    send(
      'POST',
      '/sign_in',
      { 'content-type': 'application/x-www-form-urlencoded', ...SAME_ORIGIN, ...headers },
      new URLSearchParams(fields).toString(),
    )
  const cookieOf = (reply: { headers: Headers }) => (reply.headers.get('set-cookie') ?? '').split(';')[0] as string

  it('is the page that a browser is sent to, and it leads back to the requested page', async () => {
    const sent = await send('GET', '/scalar?a=1', { accept: 'text/html,*/*' })
    expect([sent.status, sent.headers.get('location')]).toEqual([302, '/sign_in?next=%2Fscalar%3Fa%3D1'])
    const page = await send('GET', '/sign_in?next=%2Fscalar%3Fa%3D1')
    expect(page.body).toContain('<input type="hidden" name="next" value="/scalar?a=1"/>')
    const signed = await form({ token: ' s3cret-to-read ', next: '/scalar?a=1' })
    expect([signed.status, signed.headers.get('location')]).toEqual([303, '/scalar?a=1'])
    expect(signed.headers.get('set-cookie')).toBe(
      'watcher_token=s3cret-to-read; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=2592000',
    )
    expect((await send('GET', '/scalar', { cookie: `other=1; ${cookieOf(signed)}` })).status).toBe(200)
    expect((await send('GET', '/pipeline?limit=1', { cookie: cookieOf(signed) })).status).toBe(200)
  })

  it('with an unknown token is refused on the same page', async () => {
    const reply = await form({ token: 'wrong', next: '/scalar' })
    expect([reply.status, reply.headers.get('set-cookie')]).toEqual([401, null])
    expect(reply.body).toContain('This token is unknown. Check that you copied all of it.')
    expectError(await send('GET', '/pipeline', { cookie: 'watcher_token=wrong' }), 401, 'unauthenticated')
    expectError(await send('GET', '/pipeline', { cookie: 'watcher_token=%E0%A4%A' }), 401, 'unauthenticated')
  })

  it.each(['//evil.test/x', 'https://evil.test/', '/\\evil.test', 'javascript:alert(1)', '/sign_in', '"><script>'])(
    'never leads to another site: %s',
    async (next) => {
      expect((await form({ token: 's3cret-to-read', next })).headers.get('location')).toMatch(/^\/overview$|^\/%22%3E/)
      expect((await send('GET', `/sign_in?next=${encodeURIComponent(next)}`)).body).not.toContain('<script>')
    },
  )

  it('takes no more guesses from an address after ten unknown tokens in a minute, also no right one', async () => {
    const guess = (token: string, address: string) =>
      send(
        'POST',
        '/sign_in',
        { ...SAME_ORIGIN, 'content-type': 'application/x-www-form-urlencoded', 'cf-connecting-ip': address },
        `token=${token}`,
      )
    const [address, other] = [unique('address'), unique('address')]
    for (let count = 0; count < 10; count += 1) expect((await guess('wrong', address)).status).toBe(401)
    const refused = await guess('s3cret-of-airflow', address)
    expectError(refused, 429, 'too_many_sign_ins')
    expect(refused.headers.get('retry-after')).toBe('60')
    expect((await guess('s3cret-of-airflow', other)).status).toBe(303)
    vi.useFakeTimers({ now: Date.now() + 60_000, toFake: ['Date'] })
    expect((await guess('s3cret-of-airflow', address)).status).toBe(303)
    vi.useRealTimers()
  })

  it('is protected: another site cannot sign in, use the cookie or sign out', async () => {
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }, { 'sec-fetch-site': 'none' }]) {
      expectError(await form({ token: 's3cret-of-airflow' }, headers), 403, 'cross_site_request')
      expectError(await send('POST', '/freshness', { cookie: 'watcher_token=s3cret-of-airflow', ...headers }), 403, 'cross_site_request')
    }
    const cookie = { cookie: 'watcher_token=s3cret-of-airflow' }
    expectError(await send('POST', '/freshness', cookie), 403, 'cross_site_request')
    expectError(await send('POST', '/freshness', { ...cookie, origin: 'https://evil.test' }), 403, 'cross_site_request')
    expect((await send('POST', '/freshness', { ...cookie, origin: 'https://watcher.test' })).status).toBe(200)
    expect((await send('POST', '/freshness', { ...cookie, ...SAME_ORIGIN })).status).toBe(200)
    expectError(await send('POST', '/sign_out', cookie), 403, 'cross_site_request')
    // Signing out also works with a read-only token and with an unknown one.
    for (const value of ['s3cret-to-read', 'gone']) {
      expect((await send('POST', '/sign_out', { cookie: `watcher_token=${value}`, ...SAME_ORIGIN })).status).toBe(303)
    }
    const out = await send('POST', '/sign_out', { ...cookie, ...SAME_ORIGIN })
    expect([out.status, out.headers.get('set-cookie')]).toEqual([
      303,
      'watcher_token=; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=0',
    ])
  })
})

describe('every answer', () => {
  it('names the deployed version, as the log does', async () => {
    const lines: string[] = []
    vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line))
    const versions = [await send('GET', '/'), await send('GET', '/nowhere')].map((reply) => reply.headers.get('x-watcher-version'))
    expect(versions).toEqual(lines.map((line) => JSON.parse(line).version))
    expect(versions[0]).toMatch(/^[\w-]{8,}$/)
  })

  it('says how long it took, in total and at the database', async () => {
    expect((await send('GET', '/pipeline?limit=1', WRITES)).headers.get('server-timing')).toMatch(
      /^total;dur=\d+, db;dur=\d+;desc="1 statement"$/,
    )
    expect((await send('GET', '/')).headers.get('server-timing')).toMatch(/db;dur=0;desc="0 statements"$/)
  })

  it('forbids browsers to load, frame, store or guess anything', async () => {
    for (const [path, headers] of [
      ['/', {}],
      ['/pipeline?limit=1', WRITES],
      ['/nowhere', WRITES],
      ['/pipeline', {}],
      ['/scalar', { accept: 'text/html' }],
    ] as [string, Record<string, string>][]) {
      const reply = await send('GET', path, headers)
      expect(Object.fromEntries(reply.headers), path).toMatchObject({
        'strict-transport-security': 'max-age=31536000; includeSubDomains',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      })
      expect(reply.headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  it('that is a page allows its own scripts, and inline scripts only with a fresh nonce', async () => {
    const nonces = new Set<string>()
    for (const path of ['/scalar', '/sign_in']) {
      const reply = await send('GET', path, WRITES)
      const policy = reply.headers.get('content-security-policy') ?? ''
      const nonce = policy.match(/script-src 'self' 'nonce-(\w{32})';/)?.[1] ?? ''
      expect(policy).not.toMatch(/script-src[^;]*unsafe/)
      for (const [tag] of String(reply.body).matchAll(/<script[^>]*>/g)) expect(tag).toContain(`nonce="${nonce}"`)
      nonces.add(nonce)
    }
    expect(nonces.size).toBe(2)
  })
})
