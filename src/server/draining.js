import worker from './worker.js'

/**
 * The entry of a self-hosted server, in front of the production bundle (`worker.js`). It counts the work under way: start.ts
 * stops only when none is left. workerd runs this file unchanged, so it is JavaScript.
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

/** Work after an answer is under way too. @param {ExecutionContext} context */
const countedContext = (context) => ({
  ...context,
  /** @param {Promise<unknown>} work */
  waitUntil: (work) => context.waitUntil(counted(() => work)),
  passThroughOnException: () => context.passThroughOnException(),
})

/**
 * An answer is under way until the client has read its body. @param {Response} answer @param {ExecutionContext} context
 */
const countedBody = (answer, context) => {
  if (!answer.body) return answer
  const { readable, writable } = new IdentityTransformStream()
  context.waitUntil(counted(() => answer.body.pipeTo(writable)).catch(() => {})) // the client has closed the connection
  return new Response(readable, answer)
}

/** Answers 503 in the shape of every error; clients try again. */
const refuse = () => {
  const message = 'This server is stopping: try again in a few seconds'
  const request_id = crypto.randomUUID()
  return new Response(JSON.stringify({ code: 'shutting_down', message, detail: message, request_id }), {
    status: 503,
    headers: { 'Content-Type': 'application/json', 'Retry-After': '5', 'X-Request-Id': request_id, 'Cache-Control': 'no-store' },
  })
}

/** Assets are served here as on the platform: miniflare's own way needs some hundred MiB more memory. */
const TYPES = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  txt: 'text/plain; charset=utf-8',
}

/** The file of a path. As on the platform, the paths of guides have no `.html`: /docs is docs.html. @param {string} pathname */
const fileOf = (pathname) => {
  if (pathname.startsWith('/static/')) return pathname
  return /^\/docs(\/[\w-]+)?$/.test(pathname) ? `${pathname}.html` : undefined
}

/** The platform redirects /docs/ and /docs.html to /docs, and so do we. @param {string} pathname */
const redirectOf = (pathname) => /^(?<path>\/docs(\/[\w-]+)?)(\.html|\/)$/.exec(pathname)?.groups?.path

/** Answers an asset, or undefined. `env.ASSET_HEADERS` are the entries of `_headers` as [path, headers] (see start.ts). @param {URL} url */
const serveAsset = async ({ pathname, search }, env) => {
  const target = redirectOf(pathname)
  if (target) return new Response(null, { status: 307, headers: { Location: target + search } })
  const file = fileOf(pathname)
  if (!file) return undefined
  const found = await env.FILES.fetch(`http://files${file}`)
  const type = TYPES[file.slice(file.lastIndexOf('.') + 1)]
  if (!found.ok || !type) return undefined
  const headers = new Headers({ 'Content-Type': type, 'Cache-Control': 'public, max-age=0, must-revalidate' })
  for (const [path, set] of env.ASSET_HEADERS) {
    const applies = path.endsWith('*') ? pathname.startsWith(path.slice(0, -1)) : pathname === path
    if (applies) for (const [name, value] of Object.entries(set)) headers.set(name, value)
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
    // The queue's messages end with this process; the next process finds the jobs in the database.
    if (isDraining) batch.retryAll({ delaySeconds: 60 })
    else await counted(() => worker.queue(batch, env, countedContext(context)))
  },
}
