import { html } from 'hono/html'
import { ApiError } from '../../core/errors.ts'
import { COOKIE, findToken, isSameOrigin } from '../../http/access.ts'
import { type Router, register } from '../../http/router.ts'
import { makeNonce, pagePolicy } from '../../http/security-headers.ts'

const SIGN_IN = '/sign_in'
const SIGN_OUT = '/sign_out'
/** Where one goes who has not said where to. */
const HOME = '/overview'

/** Thirty days; signing out or a changed token ends it sooner. */
const COOKIE_SECONDS = 30 * 24 * 60 * 60
const COOKIE_RULES = 'Path=/; HttpOnly; Secure; SameSite=Strict'

/**
 * For people: a page asks for the token once and keeps it in a cookie that no script can read and no other site can
 * make a browser send. Neither path is a part of the API, so neither is in the docs.
 */
export const serveSignIn = (router: Router): void => {
  register(router, 'page', { method: 'get', path: SIGN_IN, access: 'open' }, async (_input, context) =>
    page(200, destination(context.req.query('next')), ''),
  )

  register(router, 'data', { method: 'post', path: SIGN_IN, access: 'open' }, async (_input, context) => {
    assertOwnForm(context.req.raw)
    const form = await context.req.formData().catch(() => new FormData())
    const next = destination(form.get('next'))
    const token = String(form.get('token') ?? '').trim()
    const caller = findToken(context.get('scope').settings.WATCHER_API_TOKENS, token)
    if (!caller) return page(401, next, 'This token is not known here.')
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

/** Another site must not sign a browser in (with a token of its own) or out. */
const assertOwnForm = (request: Request): void => {
  if (!isSameOrigin(request)) throw new ApiError('cross_site_request', 'This form can only be sent from the page it is on')
}

/** Where to go afterwards: a path of ours, whatever the address says. */
const destination = (next: unknown): string => {
  if (typeof next !== 'string' || !URL.canParse(next, 'https://here.invalid')) return HOME
  const { origin, pathname, search } = new URL(next, 'https://here.invalid')
  return next.startsWith('/') && origin === 'https://here.invalid' && pathname !== SIGN_IN && !pathname.startsWith('//')
    ? pathname + search
    : HOME
}

/**
 * For a browser without a token: the sign-in page. One that follows a link of another site (a chat, a mail) does not send
 * its SameSite=Strict cookie: it is made to ask again from here, and then does.
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
  <small id="hint">One of those in WATCHER_API_TOKENS, without its name.</small>
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
