import { parse as parseCookies } from 'hono/utils/cookie'
import { ApiError } from '../core/errors.ts'
import { UUID } from '../core/uuid.ts'
import { type ApiToken, misconfigured, type Settings } from '../env.ts'

/** The caller. Its name is in every log line, its token never. */
export interface Caller {
  name: string
  mayWrite: boolean
  /** It may send pings, and nothing else. */
  isForPings?: boolean
  /** True if a token names the caller; false in a deployment without tokens, where anyone may call. */
  isKnown: boolean
}

export const COOKIE = 'watcher_token'

/** True if anyone may call: a deployment for development or tests without tokens. */
export const isOpenToAll = ({ WATCHER_API_TOKENS, ENV_STATE }: Settings): boolean => WATCHER_API_TOKENS.length === 0 && ENV_STATE !== 'prod'

/**
 * Finds the caller of a request. Throws ApiError: `misconfigured` if a production deployment has no tokens (dev and test
 * are then open), `unauthenticated` without a known token, `read_only_token` if the token may not write,
 * `cross_site_request` if no page of Watcher sent the cookie.
 */
export const authorize = (request: Request, settings: Settings, access: 'read' | 'write'): Caller => {
  const { WATCHER_API_TOKENS: tokens } = settings
  if (isOpenToAll(settings)) {
    // Anyone may call, but a page of another site must not make a visitor's browser write here.
    if (access === 'write') assertNotForeign(request, settings)
    return { name: 'anyone', mayWrite: true, isKnown: false }
  }
  if (tokens.length === 0) throw noTokens()
  const bearer = readBearer(request.headers.get('authorization'))
  const given = bearer ?? parseCookies(request.headers.get('cookie') ?? '', COOKIE)[COOKIE]
  const caller = given === undefined ? undefined : findToken(tokens, given)
  if (!caller) throw unauthenticated(given !== undefined)
  if (caller.isForPings) {
    throw new ApiError('ping_token_only', `The token "${caller.name}" may only send pings: give this client a token of its own`)
  }
  if (access === 'read') return caller
  if (bearer === undefined && !isSameOrigin(request)) {
    throw new ApiError(
      'cross_site_request',
      'The sign-in cookie is only valid for requests from the pages of Watcher: send Authorization: Bearer <token>',
    )
  }
  if (!caller.mayWrite) {
    throw new ApiError('read_only_token', `The token "${caller.name}" may only read: ${request.method} needs a token without :read`)
  }
  return caller
}

/** The key in the path of a ping or a badge. */
const PING_KEY = /^\/(?:ping|badge)\/([^/]+)/

/** The path without its ping key, for logs and traces: whoever reads them may not ping. */
export const withoutKey = (path: string): string => path.replace(PING_KEY, (all, key: string) => all.replace(key, '…'))

/**
 * Finds the caller of a ping, by the key in its path: a token of the kind `ping`, or the UUID of one pipeline, which the database
 * knows. Throws ApiError: `ping_not_found`, `misconfigured`.
 */
export const authorizePing = (request: Request, settings: Settings): Caller => {
  const key = decodeKey(PING_KEY.exec(new URL(request.url).pathname)?.[1] ?? '')
  if (UUID.test(key)) return { name: `ping-url:${key.slice(0, 8)}`, mayWrite: false, isForPings: true, isKnown: true }
  if (isOpenToAll(settings)) return { name: 'anyone', mayWrite: false, isForPings: true, isKnown: false }
  if (settings.WATCHER_API_TOKENS.length === 0) throw noTokens()
  const caller = findToken(settings.WATCHER_API_TOKENS, key)
  if (!caller?.isForPings) throw new ApiError('ping_not_found', 'not found')
  return caller
}

const decodeKey = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const noTokens = (): ApiError => misconfigured(['WATCHER_API_TOKENS is not set: give it name:token for each client'])

/** Refuses a request that a page of another site sent, unless its origin is allowed. Programs send neither header. */
const assertNotForeign = (request: Request, { WATCHER_ALLOWED_ORIGINS }: Settings): void => {
  const origin = request.headers.get('origin')
  const site = request.headers.get('sec-fetch-site') ?? origin
  // `none`: a person entered the address.
  if (site === null || site === 'none' || isSameOrigin(request)) return
  if (origin !== null && WATCHER_ALLOWED_ORIGINS.includes(origin)) return
  throw new ApiError('cross_site_request', 'A page of another site sent this request: add its origin to WATCHER_ALLOWED_ORIGINS')
}

const unauthenticated = (isUnknown: boolean): ApiError =>
  new ApiError('unauthenticated', isUnknown ? 'This token is not known here' : 'Send Authorization: Bearer <token>', {
    headers: { 'WWW-Authenticate': `Bearer realm="watcher"${isUnknown ? ', error="invalid_token"' : ''}` },
  })

const readBearer = (header: string | null): string | undefined => /^bearer +([^\s]+) *$/i.exec(header ?? '')?.[1]

/** Callers by a keyed digest of their tokens. */
interface TokenTable {
  key: number
  callers: Map<number, (Caller & { token: string })[]>
}
const tables = new WeakMap<readonly ApiToken[], TokenTable>()

/**
 * The caller whose token equals the given one. A digest finds the few tokens to compare with, so a thousand tokens cost what one
 * does. Its key is random: the time of the look-up tells nothing about a token. Those found are compared to their end.
 */
export const findToken = (tokens: readonly ApiToken[], given: string): Caller | undefined => {
  const { key, callers } = tableOf(tokens)
  let found: Caller | undefined
  for (const { token, ...caller } of callers.get(digest(given, key)) ?? []) {
    if (areEqual(token, given)) found = caller
  }
  return found
}

const tableOf = (tokens: readonly ApiToken[]): TokenTable => {
  const known = tables.get(tokens)
  if (known) return known
  const key = (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) | 1
  const table: TokenTable = { key, callers: new Map() }
  for (const { name, mayWrite, isForPings, token } of tokens) {
    const at = digest(token, key)
    table.callers.set(at, [...(table.callers.get(at) ?? []), { name, mayWrite, isForPings, isKnown: true, token }])
  }
  tables.set(tokens, table)
  return table
}

/** A polynomial of the characters at the key, modulo 2^32. */
const digest = (text: string, key: number): number => {
  let sum = text.length
  for (let index = 0; index < text.length; index += 1) sum = (Math.imul(sum, key) + text.charCodeAt(index)) | 0
  return sum
}

/** As long as a token may be (see env.ts). */
const MIN_COMPARED = 256

/** Compares to the end: the time does not tell where two texts differ. Beyond its end a text counts as zeros. */
const areEqual = (token: string, given: string): boolean => {
  const end = Math.max(MIN_COMPARED, token.length)
  let difference = token.length ^ given.length
  for (let index = 0; index < end; index += 1) difference |= token.charCodeAt(index) ^ given.charCodeAt(index)
  return difference === 0
}

/** True if a page of Watcher sent the request. The browser sets these headers; a page of another site cannot change them. */
export const isSameOrigin = (request: Request): boolean => {
  const site = request.headers.get('sec-fetch-site')
  if (site !== null) return site === 'same-origin'
  return request.headers.get('origin') === new URL(request.url).origin
}
