import { parse as parseCookies } from 'hono/utils/cookie'
import { ApiError } from '../core/errors.ts'
import { type ApiToken, misconfigured, type Settings } from '../env.ts'

/** Who calls: named in every log line, never by the token. */
export interface Caller {
  name: string
  mayWrite: boolean
  /** Named by a token; where there are none, anyone may call. */
  isKnown: boolean
}

export const COOKIE = 'watcher_token'

/**
 * Who sends this request. Throws ApiError: `misconfigured` where a deployment has no tokens (dev and test are open then),
 * `unauthenticated` without a known token, `read_only_token` where it may not do this, `cross_site_request` where a
 * browser was made by another site to send the cookie.
 */
export const authorize = (request: Request, settings: Settings, access: 'read' | 'write'): Caller => {
  const { WATCHER_API_TOKENS: tokens, ENV_STATE: state } = settings
  if (tokens.length === 0) {
    if (state !== 'prod') return { name: 'anyone', mayWrite: true, isKnown: false }
    throw misconfigured(['WATCHER_API_TOKENS is not set: give it name:token for each client'])
  }
  const bearer = readBearer(request.headers.get('authorization'))
  const given = bearer ?? parseCookies(request.headers.get('cookie') ?? '', COOKIE)[COOKIE]
  const caller = given === undefined ? undefined : findToken(tokens, given)
  if (!caller) throw unauthenticated(given !== undefined)
  if (access === 'read') return caller
  if (bearer === undefined && !isSameOrigin(request)) {
    throw new ApiError(
      'cross_site_request',
      'The sign-in cookie only counts for requests of our own pages: send Authorization: Bearer <token>',
    )
  }
  if (!caller.mayWrite) {
    throw new ApiError('read_only_token', `The token "${caller.name}" may only read: ${request.method} needs one without :read`)
  }
  return caller
}

const unauthenticated = (isUnknown: boolean): ApiError =>
  new ApiError('unauthenticated', isUnknown ? 'This token is not known here' : 'Send Authorization: Bearer <token>', {
    headers: { 'WWW-Authenticate': `Bearer realm="watcher"${isUnknown ? ', error="invalid_token"' : ''}` },
  })

const readBearer = (header: string | null): string | undefined => /^bearer +([^\s]+) *$/i.exec(header ?? '')?.[1]

/** The token that is the same as the given one; all are compared to their end, whichever it is, so that time tells nothing. */
export const findToken = (tokens: readonly ApiToken[], given: string): Caller | undefined => {
  let found: Caller | undefined
  for (const { token, ...caller } of tokens) {
    if (areEqual(token, given)) found = { ...caller, isKnown: true }
  }
  return found
}

/** Longer than any token (see env.ts). */
const COMPARED_BYTES = 512
const encoder = new TextEncoder()

const areEqual = (left: string, right: string): boolean => {
  const [leftBytes, rightBytes] = [new Uint8Array(COMPARED_BYTES), new Uint8Array(COMPARED_BYTES)]
  const leftRead = encoder.encodeInto(left, leftBytes).read
  const rightRead = encoder.encodeInto(right, rightBytes).read
  // Text that does not fit is no token; what was cut off must not make two texts equal.
  let difference = (left.length ^ leftRead) | (right.length ^ rightRead) | (left.length ^ right.length)
  for (let index = 0; index < COMPARED_BYTES; index += 1) difference |= (leftBytes[index] ?? 0) ^ (rightBytes[index] ?? 0)
  return difference === 0
}

/** A browser says where a request comes from; a page of another site cannot make it say otherwise. */
export const isSameOrigin = (request: Request): boolean => {
  const site = request.headers.get('sec-fetch-site')
  if (site !== null) return site === 'same-origin'
  return request.headers.get('origin') === new URL(request.url).origin
}
