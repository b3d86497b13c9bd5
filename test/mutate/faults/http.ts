import { faultsIn } from '../fault.ts'
import * as at from './files.ts'

/** Access and paging. */

const access = faultsIn(
  at.ACCESS,
  [at.ACCESS_TESTS],
  [
    ['a token that may only read writes', 'if (!caller.mayWrite) {', 'if (false) {', { only: 'a token' }],
    [
      'another site writes with the cookie',
      'if (bearer === undefined && !isSameOrigin(request)) {',
      'if (false) {',
      { only: 'another site' },
    ],
    ['a page of a sibling site counts as our own', "site === 'same-origin'", "site !== 'cross-site'", { only: 'another site' }],
    ['any origin counts as our own', "request.headers.get('origin') === new URL(request.url).origin", 'true', { only: 'another site' }],
    [
      'production without tokens is open',
      "WATCHER_API_TOKENS.length === 0 && ENV_STATE !== 'prod'",
      'WATCHER_API_TOKENS.length === 0',
      { only: 'a deployment' },
    ],
    [
      'only the beginning of a long token is compared',
      'let difference = token.length ^ given.length',
      'let difference = 0',
      {
        tests: [at.AUTHORIZE_TESTS],
      },
    ],
    [
      'an open server takes what another site sends',
      "if (access === 'write') assertNotForeign(request, settings)",
      '',
      {
        only: 'of another site',
      },
    ],
    ['the answer does not say that the token is unknown', "${isUnknown ? ', error=\"invalid_token\"' : ''}", '', { only: 'unknown' }],
    ['any token is accepted as the first one', 'if (areEqual(token, given)) found =', 'found ??=', { only: 'not known|a token' }],
  ],
)

const app = faultsIn(
  at.APP,
  [at.ACCESS_TESTS],
  [
    ['every path is open', "if (access !== 'open') {", 'if (false) {', { only: 'without a token' }],
    [
      'a request that writes counts as reading',
      'authorize(raw, settings, access)',
      "authorize(raw, readSettings(context.env), 'read')",
      { only: 'a token' },
    ],
    ['no token is limited', 'if (success) return', 'return', { only: 'too many requests' }],
    [
      'all tokens are limited together',
      'RATE_LIMIT.limit({ key: name })',
      "RATE_LIMIT.limit({ key: 'all' })",
      { only: 'too many requests' },
    ],
    ['a request fails if the counter fails', '.catch(() => ({ success: true }))', '', { only: 'the rate limit' }],
  ],
)

const settings = faultsIn(
  at.SETTINGS,
  [at.ACCESS_TESTS],
  [
    ['every token may write', 'mayWrite: right === undefined', 'mayWrite: true', { only: 'a token' }],
    ['two tokens may be the same', 'other.name === name || other.token === token', 'other.name === name', { only: 'malformed' }],
    [
      "the environment's own tokens are ignored",
      'variables[prefix + name] ?? variables[name]',
      'variables[name] ?? variables[prefix + name]',
      { only: 'of its environment' },
    ],
  ],
)

const paging = faultsIn(
  at.PAGING,
  [at.PAGING_TESTS],
  [
    [
      'the next page forgets the filters',
      'const next = new URL(url)',
      'const next = new URL(new URL(url).pathname, url)',
      { only: 'leads through' },
    ],
    [
      'a page may have any size',
      "'The maximum number of rows in the answer.', 1, 1000, 1000",
      "'The maximum number of rows in the answer.', 1, 100000, 1000",
      { only: 'refuses a limit' },
    ],
  ],
)

export const HTTP = [access, app, settings, paging].flat()
