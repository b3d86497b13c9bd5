import type { Context } from 'hono'
import { ApiError } from '../../core/errors.ts'
import { versionOf } from '../../core/log.ts'
import { COOKIE, findToken, isOpenToAll, isSameOrigin } from '../../http/access.ts'
import { type Router, register } from '../../http/router.ts'
import type { AppEnvironment } from '../../http/scope.ts'
import { makeNonce, pagePolicy } from '../../http/security-headers.ts'
import { addressOf, createGuesses } from './guesses.ts'
import { OpenPage, SignInPage } from './page.tsx'
import { SIGN_IN, SIGN_OUT } from './paths.ts'

/** The page after the sign-in if the address names none. */
const HOME = '/overview'

/** Thirty days; a sign-out or a changed token ends the session earlier. */
const COOKIE_SECONDS = 30 * 24 * 60 * 60
const COOKIE_RULES = 'Path=/; HttpOnly; Secure; SameSite=Strict'

/**
 * Signs people in and out. A page asks for the token once and keeps it in a cookie: no script can read it, and no other site
 * can make the browser send it. Neither path is part of the API, so OpenAPI lists neither.
 */
export const serveSignIn = (router: Router): void => {
  const guesses = createGuesses()
  register(router, 'page', { method: 'get', path: SIGN_IN, access: 'open' }, async (_input, context) =>
    answer(context, 200, destination(context.req.query('next')), ''),
  )

  register(router, 'data', { method: 'post', path: SIGN_IN, access: 'open' }, async (_input, context) => {
    assertOwnForm(context.req.raw)
    const { settings, now } = context.get('scope')
    const [address, nowMillis] = [addressOf(context.req.raw), Date.parse(now)]
    if (guesses.isOver(address, nowMillis))
      throw new ApiError('too_many_sign_ins', 'Too many unknown tokens: wait a minute, then try again')
    const form = await context.req.formData().catch(() => new FormData())
    const next = destination(form.get('next'))
    const token = String(form.get('token') ?? '').trim()
    const caller = findToken(settings.WATCHER_API_TOKENS, token)
    if (!caller) {
      guesses.count(address, nowMillis)
      return answer(context, 401, next, 'This token is unknown. Check that you copied all of it.')
    }
    return new Response(null, {
      status: 303,
      headers: { Location: next, 'Set-Cookie': `${COOKIE}=${encodeURIComponent(token)}; ${COOKIE_RULES}; Max-Age=${COOKIE_SECONDS}` },
    })
  })

  register(router, 'data', { method: 'post', path: SIGN_OUT, access: 'open' }, async (_input, context) => {
    assertOwnForm(context.req.raw)
    return new Response(null, { status: 303, headers: { Location: SIGN_IN, 'Set-Cookie': `${COOKIE}=; ${COOKIE_RULES}; Max-Age=0` } })
  })
}

/** Refuses a form of another site, which could sign the browser in with a token of its own, or sign it out. */
const assertOwnForm = (request: Request): void => {
  if (!isSameOrigin(request))
    throw new ApiError('cross_site_request', "Send this form from Watcher's own page: open the page again and retry")
}

/** The page after the sign-in: always a path of this service, also if `next` names another site. */
const destination = (next: unknown): string => {
  if (typeof next !== 'string' || !URL.canParse(next, 'https://here.invalid')) return HOME
  const { origin, pathname, search } = new URL(next, 'https://here.invalid')
  return next.startsWith('/') && origin === 'https://here.invalid' && pathname !== SIGN_IN && !pathname.startsWith('//')
    ? pathname + search
    : HOME
}

/**
 * Sends a browser without a token to the sign-in page. A browser that follows a link from another site (a chat, a mail) does not
 * send its SameSite=Strict cookie: it gets a page that loads the address again, and that request sends the cookie.
 */
export const askToSignIn = ({ url, headers }: Request): Response => {
  const { pathname, search } = new URL(url)
  if (headers.get('sec-fetch-site') === 'cross-site')
    return new Response(ASK_AGAIN, { headers: { 'Content-Type': 'text/html; charset=utf-8' } })
  return new Response(null, { status: 302, headers: { Location: `${SIGN_IN}?next=${encodeURIComponent(pathname + search)}` } })
}

const ASK_AGAIN =
  '<!doctype html><html lang="en"><head><meta http-equiv="refresh" content="0"><title>Watcher</title></head><body></body></html>'

const answer = (context: Context<AppEnvironment>, status: number, next: string, fault: string): Response => {
  const version = versionOf(context.env)
  const isOpen = isOpenToAll(context.get('scope').settings)
  return new Response(`<!doctype html>${isOpen ? OpenPage({ next, version }) : SignInPage({ next, fault, version })}`, {
    status,
    headers: { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': pagePolicy(makeNonce()) },
  })
}
