import worker from './worker.js'

/**
 * The entry of a self-hosted server, in front of the production bundle (`worker.js`): it serves the assets, gives the bundle
 * the rate limit that bare workerd does not have, and counts the work under way: start.ts ends workerd when none is left.
 * workerd runs this file unchanged, so it is JavaScript.
 *
 * `env.ASSETS` has an entry for each path (see assets.ts): `{ location }`, or `{ file, headers }`.
 */

/** Counts requests by key in windows of `period` seconds: the platform's binding counts so too. @param {{ limit: number, period: number }} options */
const createLimiter = ({ limit, period }) => {
  let window = 0
  let counts = new Map()
  return {
    async limit({ key }) {
      const now = Math.floor(Date.now() / (period * 1000))
      if (now !== window) [window, counts] = [now, new Map()]
      const count = (counts.get(key) ?? 0) + 1
      counts.set(key, count)
      return { success: count <= limit }
    },
  }
}

/** The bundle keeps its settings by the identity of its environment, so it gets the same object each time. */
let complete
const environmentOf = (env) => {
  complete ??= { ...env, ...Object.fromEntries(Object.entries(env.RATE_LIMITS).map(([name, simple]) => [name, createLimiter(simple)])) }
  return complete
}

/** True if the client's copy is this one: `If-None-Match` is a list of tags, or `*`. @param {string | null} known @param {string} etag */
const hasCopy = (known, etag) =>
  known !== null && (known.trim() === '*' || known.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag))

/** Answers an asset, or undefined if the path is none. @param {Request} request */
const serveAsset = async (request, env) => {
  const { pathname, search } = new URL(request.url)
  const asset = Object.hasOwn(env.ASSETS, pathname) ? env.ASSETS[pathname] : undefined
  if (!asset) return undefined
  if (asset.location) return new Response(null, { status: 307, headers: { Location: asset.location + search } })
  if (hasCopy(request.headers.get('If-None-Match'), asset.headers.ETag)) return new Response(null, { status: 304, headers: asset.headers })
  const headers = { ...asset.headers, 'Content-Length': String(asset.bytes) }
  if (request.method === 'HEAD') return new Response(null, { headers })
  const found = await env.FILES.fetch(`http://files${asset.file}`)
  return found.ok ? new Response(found.body, { headers }) : undefined
}

/** Requests whose answer is not ready, and work that goes on after an answer. */
let underWay = 0
let isDraining = false

/** @template Result @param {Promise<Result>} work */
const counted = async (work) => {
  underWay += 1
  try {
    return await work
  } finally {
    underWay -= 1
  }
}

/** @param {ExecutionContext} context */
const countedContext = (context) => ({
  waitUntil: (work) => context.waitUntil(counted(work)),
  passThroughOnException: () => context.passThroughOnException(),
  props: context.props,
})

/** Answers 503 in the shape of every error; clients try again. */
const refuse = () => {
  const message = 'This server is stopping: try again in a few seconds'
  const request_id = crypto.randomUUID()
  return new Response(JSON.stringify({ code: 'shutting_down', message, detail: message, request_id }), {
    status: 503,
    headers: { 'Content-Type': 'application/json', 'Retry-After': '5', 'X-Request-Id': request_id, 'Cache-Control': 'no-store' },
  })
}

const isReading = (method) => method === 'GET' || method === 'HEAD'

export default {
  async fetch(request, env, context) {
    if (isDraining) return refuse()
    const asset = isReading(request.method) && /\/(static|docs)\b/.test(request.url) ? await serveAsset(request, env) : undefined
    return asset ?? counted(worker.fetch(request, environmentOf(env), countedContext(context)))
  },
  scheduled: (controller, env, context) => worker.scheduled(controller, environmentOf(env), context),
  queue: (batch, env, context) => worker.queue(batch, environmentOf(env), context),
}

/** Asked by the control worker: refuses requests from now on, and answers how much is under way. */
export const drain = {
  fetch: () => {
    isDraining = true
    return Response.json({ underWay })
  },
}
