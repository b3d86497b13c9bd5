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
  svg: 'image/svg+xml',
  txt: 'text/plain; charset=utf-8',
}
const HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'public, max-age=3600',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

/** @param {string} pathname @param {Fetcher} files */
const serveAsset = async (pathname, files) => {
  const found = await files.fetch(`http://files${pathname}`)
  const type = TYPES[pathname.slice(pathname.lastIndexOf('.') + 1)]
  return found.ok && type ? new Response(found.body, { headers: { ...HEADERS, 'Content-Type': type } }) : undefined
}

export default {
  async fetch(request, env, context) {
    if (request.headers.get('x-drain') === env.DRAIN_SECRET) {
      isDraining = true
      return Response.json({ underWay })
    }
    if (isDraining) return refuse()
    const { pathname } = new URL(request.url)
    const asset = request.method === 'GET' && pathname.startsWith('/static/') ? await serveAsset(pathname, env.FILES) : undefined
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
