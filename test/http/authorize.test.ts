import { describe, expect, it } from 'vitest'
import { ApiError } from '../../src/core/errors.ts'
import type { ApiToken, Settings } from '../../src/env.ts'
import { authorize, findToken, isSameOrigin } from '../../src/http/access.ts'

const writer: ApiToken = { token: 's3cret', name: 'airflow', mayWrite: true }
const reader: ApiToken = { token: 'other', name: 'dashboards', mayWrite: false }
const nameOf = (given: string, tokens = [writer, reader]) => findToken(tokens, given)?.name

const ask = (method: string, headers: Record<string, string>, tokens = [writer, reader], state: Settings['ENV_STATE'] = 'prod') => {
  const access = ['GET', 'HEAD', 'OPTIONS'].includes(method) ? 'read' : 'write'
  const request = new Request('https://watcher.test/pipeline', { method, headers })
  try {
    return authorize(request, { WATCHER_API_TOKENS: tokens, ENV_STATE: state } as Settings, access)
  } catch (fault) {
    if (fault instanceof ApiError) return [fault.code, fault.message, fault.headers]
    throw fault
  }
}

describe('a token is found', () => {
  it('by all of its characters, and by nothing else', () => {
    expect([nameOf('s3cret'), nameOf('other')]).toEqual(['airflow', 'dashboards'])
    for (const given of ['', 's3cre', 's3cret ', 'S3cret', 's3creT', 's3cret\0', 'other\0\0']) expect(nameOf(given)).toBeUndefined()
  })

  it('also where it is as long as may be; what is cut off makes nothing equal', () => {
    const long = 'x'.repeat(512)
    expect(nameOf(long, [{ ...writer, token: long }])).toBe('airflow')
    expect(nameOf(`${long}a`, [{ ...writer, token: `${long}b` }])).toBeUndefined()
    expect(nameOf(`${long}b`, [{ ...writer, token: long }])).toBeUndefined()
    expect(nameOf(long, [{ ...writer, token: `${long}b` }])).toBeUndefined()
    expect(nameOf('é'.repeat(256), [{ ...writer, token: 'é'.repeat(256) }])).toBe('airflow')
  })

  it('among a thousand, each by itself', () => {
    const tokens = Array.from({ length: 1000 }, (_, index) => ({
      name: `client-${index}`,
      token: `token-${index * 7919}`,
      mayWrite: index % 2 === 0,
    }))
    for (const { token, name } of tokens) {
      expect(nameOf(token, tokens)).toBe(name)
      expect(nameOf(`${token}x`, tokens)).toBeUndefined()
    }
    expect(nameOf('token-1', tokens)).toBeUndefined()
  })

  it('and is not told with the caller', () => {
    expect(findToken([writer], 's3cret')).toEqual({ name: 'airflow', mayWrite: true, isKnown: true })
  })
})

describe('a request is authorized', () => {
  const bearer = { authorization: 'Bearer s3cret' }
  it('by a bearer token in any case and with blanks, for writing too', () => {
    for (const authorization of ['Bearer s3cret', 'bearer  s3cret', 'BEARER s3cret  ']) {
      expect(ask('POST', { authorization })).toEqual({ name: 'airflow', mayWrite: true, isKnown: true })
    }
  })

  it('by nothing that merely looks like one', () => {
    for (const authorization of ['Bearers3cret', 'xBearer s3cret', 'Bearer s3cret x', 'Bearer', 's3cret']) {
      expect(ask('GET', { authorization })).toEqual([
        'unauthenticated',
        'Send Authorization: Bearer <token>',
        { 'WWW-Authenticate': 'Bearer realm="watcher"' },
      ])
    }
    expect(ask('GET', { authorization: 'Bearer wrong' })).toEqual([
      'unauthenticated',
      'This token is not known here',
      { 'WWW-Authenticate': 'Bearer realm="watcher", error="invalid_token"' },
    ])
  })

  it('for reading alone by a token that may not write', () => {
    for (const method of ['GET', 'HEAD', 'OPTIONS'])
      expect(ask(method, { authorization: 'Bearer other' })).toMatchObject({ name: 'dashboards' })
    for (const method of ['POST', 'PATCH', 'PUT', 'DELETE']) {
      expect(ask(method, { authorization: 'Bearer other' })).toEqual([
        'read_only_token',
        `The token "dashboards" may only read: ${method} needs a token without :read`,
        {},
      ])
    }
  })

  it('by the cookie where it reads, or comes from our own pages; a bearer token comes before it', () => {
    const cookie = 'a=b; watcher_token=s3cret'
    expect(ask('GET', { cookie })).toMatchObject({ name: 'airflow' })
    expect(ask('POST', { cookie, 'sec-fetch-site': 'same-origin' })).toMatchObject({ name: 'airflow' })
    expect(ask('POST', { cookie, 'sec-fetch-site': 'cross-site' })).toMatchObject({
      0: 'cross_site_request',
      1: expect.stringContaining('sign-in cookie'),
    })
    expect(ask('POST', { cookie, ...bearer })).toMatchObject({ name: 'airflow' })
    expect(ask('GET', { cookie, authorization: 'Bearer wrong' })).toMatchObject({ 0: 'unauthenticated' })
  })

  it('without a token where none are set, but for production', () => {
    expect(ask('POST', {}, [], 'dev')).toEqual({ name: 'anyone', mayWrite: true, isKnown: false })
    expect(ask('POST', {}, [], 'test')).toMatchObject({ name: 'anyone' })
    expect(ask('GET', bearer, [])).toMatchObject({ 0: 'misconfigured', 1: expect.stringContaining('WATCHER_API_TOKENS is not set') })
  })
})

describe('a page is our own', () => {
  const from = (headers: Record<string, string>) => isSameOrigin(new Request('https://watcher.test/a', { headers }))
  it('where the browser says so, or the origin is ours', () => {
    expect(from({ 'sec-fetch-site': 'same-origin' })).toBe(true)
    for (const site of ['same-site', 'cross-site', 'none', ''])
      expect(from({ 'sec-fetch-site': site, origin: 'https://watcher.test' })).toBe(false)
    expect(from({ origin: 'https://watcher.test' })).toBe(true)
    for (const origin of ['http://watcher.test', 'https://watcher.test:8443', 'null']) expect(from({ origin })).toBe(false)
    expect(from({})).toBe(false)
  })
})
