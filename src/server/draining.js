import worker from './worker.js'

/**
 * The entry of a self-hosted server, in front of the production bundle (`worker.js`): counts what is under way, so that
 * start.ts can stop without breaking it off. Runs in workerd as it stands, therefore JavaScript.
 */
let underWay = 0
let isDraining = false

/** @template Result @param {() => Promise<Result>} work */
const counted = async (work) => {
  underWay += 1
  try {
    return await work()
  } finally {
    underWay -= 1
  }
}

/** What goes on behind an answer is under way too. @param {ExecutionContext} context */
const countedContext = (context) => ({
  ...context,
  /** @param {Promise<unknown>} work */
  waitUntil: (work) => context.waitUntil(counted(() => work)),
  passThroughOnException: () => context.passThroughOnException(),
})

/**
 * An answer is under way until its body has been taken. @param {Response} answer @param {ExecutionContext} context
 */
const countedBody = (answer, context) => {
  if (!answer.body) return answer
  const { readable, writable } = new IdentityTransformStream()
  context.waitUntil(counted(() => answer.body.pipeTo(writable)).catch(() => {})) // whoever asked has gone away
  return new Response(readable, answer)
}

/** The shape of every error; clients try again. */
const refuse = () => {
  const message = 'This server is being stopped: try again in a moment'
  const request_id = crypto.randomUUID()
  return new Response(JSON.stringify({ code: 'shutting_down', message, detail: message, request_id }), {
    status: 503,
    headers: { 'Content-Type': 'application/json', 'Retry-After': '5', 'X-Request-Id': request_id, 'Cache-Control': 'no-store' },
  })
}

/** What the platform does with assets; miniflare's stand-in for that keeps some hundred MiB more in memory. */
const TYPES = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  txt: 'text/plain; charset=utf-8',
}

/** The guides are named without `.html`, as on the platform: /docs is docs.html. @param {string} pathname */
const fileOf = (pathname) => {
  if (pathname.startsWith('/static/')) return pathname
  return /^\/docs(\/[\w-]+)?$/.test(pathname) ? `${pathname}.html` : undefined
}

/** The platform leads other spellings to that one. @param {string} pathname */
const spelledOtherwise = (pathname) => /^(?<path>\/docs(\/[\w-]+)?)(\.html|\/)$/.exec(pathname)?.groups?.path

/** `env.ASSET_HEADERS` is what `_headers` says, as [path, headers] (see start.ts). @param {URL} url */
const serveAsset = async ({ pathname, search }, env) => {
  const other = spelledOtherwise(pathname)
  if (other) return new Response(null, { status: 307, headers: { Location: other + search } })
  const file = fileOf(pathname)
  if (!file) return undefined
  const found = await env.FILES.fetch(`http://files${file}`)
  const type = TYPES[file.slice(file.lastIndexOf('.') + 1)]
  if (!found.ok || !type) return undefined
  const headers = new Headers({ 'Content-Type': type, 'Cache-Control': 'public, max-age=0, must-revalidate' })
  for (const [path, set] of env.ASSET_HEADERS) {
    const isMeant = path.endsWith('*') ? pathname.startsWith(path.slice(0, -1)) : pathname === path
    if (isMeant) for (const [name, value] of Object.entries(set)) headers.set(name, value)
  }
  return new Response(found.body, { headers })
}

export default {
  async fetch(request, env, context) {
    if (request.headers.get('x-drain') === env.DRAIN_SECRET) {
      isDraining = true
      return Response.json({ underWay })
    }
    if (isDraining) return refuse()
    const asset = request.method === 'GET' ? await serveAsset(new URL(request.url), env) : undefined
    return countedBody(asset ?? (await counted(() => worker.fetch(request, env, countedContext(context)))), context)
  },
  async scheduled(controller, env, context) {
    if (!isDraining) await counted(() => worker.scheduled(controller, env, countedContext(context)))
  },
  async queue(batch, env, context) {
    // The messages go with this process; the next one finds their jobs by their rows.
    if (isDraining) batch.retryAll({ delaySeconds: 60 })
    else await counted(() => worker.queue(batch, env, countedContext(context)))
  },
}
