import { html } from 'hono/html'
import { ApiError } from '../../core/errors.ts'
import { COOKIE, findToken, isSameOrigin } from '../../http/access.ts'
import { type Router, register } from '../../http/router.ts'
import { makeNonce, pagePolicy } from '../../http/security-headers.ts'
import { addressOf, createGuesses } from './guesses.ts'

const SIGN_IN = '/sign_in'
const SIGN_OUT = '/sign_out'
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
    page(200, destination(context.req.query('next')), ''),
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
      return page(401, next, 'This token is unknown. Check that you copied all of it.')
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

const page = (status: number, next: string, fault: string): Response =>
  new Response(
    String(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/static/favicon.svg">
<title>Sign in · Watcher</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { display: grid; place-items: center; min-height: 100vh; margin: 0; }
  form { display: grid; gap: .75rem; width: min(22rem, 90vw); }
  h1 { font-size: 1.5rem; margin: 0; }
  input, button { font: inherit; padding: .5rem .75rem; border: 1px solid GrayText; border-radius: .375rem; }
  button { background: #2457c5; color: #fff; border-color: #2457c5; cursor: pointer; }
  [role=alert] { color: #c0262d; margin: 0; }
  @media (prefers-color-scheme: dark) { [role=alert] { color: #ff8a8a; } }
</style>
</head>
<body>
<main>
<form method="post" action="${SIGN_IN}">
  <h1>Watcher</h1>
  <label for="token">Access token</label>
  <input id="token" name="token" type="password" autocomplete="current-password" required autofocus aria-describedby="hint">
  <small id="hint">A token from WATCHER_API_TOKENS, without its name.</small>
  ${fault ? html`<p role="alert">${fault}</p>` : ''}
  <input type="hidden" name="next" value="${next}">
  <button>Sign in</button>
</form>
</main>
</body>
</html>
`),
    { status, headers: { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': pagePolicy(makeNonce()) } },
  )
