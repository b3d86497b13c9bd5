import type { Context } from 'hono'
import { matchedRoutes } from 'hono/route'
import { checks } from './checks/index.ts'
import { ApiError } from './core/errors.ts'
import { instantOf } from './core/instant.ts'
import { outboundOf } from './core/outbound.ts'
import { PAGES } from './db/applications.ts'
import { createDatabase, type Database } from './db/client.ts'
import { databaseFault } from './db/failures.ts'
import { namesGiven, readSettings } from './env.ts'
import type { Feature, House } from './features/feature.ts'
import { features } from './features/index.ts'
import { wantsHtml } from './http/accept.ts'
import { authorize, authorizePing, type Caller, withoutKey } from './http/access.ts'
import { serveDocs } from './http/api-docs.ts'
import { allowOrigin } from './http/cors.ts'
import { Stopwatch } from './http/profile.ts'
import { isProfiled, showProfile } from './http/profile-answer.ts'
import { describeTiming, logRequest } from './http/request-log.ts'
import { createRouter, identityHeaders, type Router, routeOf, routesByPath, warningHeader } from './http/router.ts'
import type { AppEnvironment, Scope } from './http/scope.ts'
import { setSecurityHeaders } from './http/security-headers.ts'
import { incidents } from './incidents/index.ts'
import { ingests } from './ingest/index.ts'
import { trySendJobs } from './jobs/dispatch.ts'
import { createJobDatabase, type Runners, tryRunJob } from './jobs/run.ts'
import { notifications } from './notifications/index.ts'
import { faultPage } from './pages/frame/fault.tsx'
import { pages } from './pages/index.ts'
import { askToSignIn } from './pages/sign-in/routes.ts'
import { sendAtOnce } from './tracing/export.ts'
import { Trace } from './tracing/trace.ts'

type RequestContext = Context<AppEnvironment>

/** What has operations of the API, in the order of the docs page. */
const members: readonly Feature[] = [...features, incidents, notifications, ...checks, ...ingests]

/**
 * The HTTP side: the middlewares of every request, then the routes of pages, features and checks, and the one place that
 * renders errors. `runners` run the few jobs that a request does not send to the queue.
 *
 * The middlewares stand in this order, outermost first:
 * 1. scope and log: every answer, also an error, has its request id, its headers and its line in the log;
 * 2. CORS: a browser must be able to read a 401 too, and it sends its preflight without a token;
 * 3. access and rate limit: for a caller without access, Watcher reads no input and asks no database;
 * 4. profile: it is for callers who may write, so it comes after access.
 */
export const createApp = (house: House, runners: Runners): Router => {
  const app = createRouter()
  const routesAt = routesByPath(app)

  app.use(async (context, next) => {
    const begunMillis = Date.now()
    const requestId = requestIdFrom(context.req.header('x-request-id'))
    const scope = createScope(context, new Date(begunMillis), runners)
    context.set('requestId', requestId)
    context.set('scope', scope)
    await next()
    const { headers } = context.res
    if (!headers.has('X-Content-Type-Options')) {
      for (const [name, value] of Object.entries(identityHeaders(context))) headers.set(name, value)
      setSecurityHeaders(headers)
    }
    const trips = scope.trips()
    headers.set('Server-Timing', describeTiming(begunMillis, trips))
    logRequest(context, requestId, begunMillis, trips, faultToLog(context.error))
    if (scope.traceId !== undefined) endTrace(context, requestId, scope.trace, trips)
  })

  app.use(async (context, next) => {
    const { method, path } = context.req
    const origin = context.req.header('origin')
    if (origin === undefined || routesAt(path).some(({ access }) => access === 'open')) return next()
    if (!readSettings(context.env).WATCHER_ALLOWED_ORIGINS.includes(origin)) return next()
    // Any other OPTIONS gets the answer of its path; hono's middleware would treat it as a preflight.
    const isPreflight = method === 'OPTIONS' && context.req.header('access-control-request-method') !== undefined
    return method === 'OPTIONS' && !isPreflight ? next() : allowOrigin(origin)(context, next)
  })

  app.use(async (context, next) => {
    const { raw, path, method } = context.req
    const access = routeOf(context)?.access ?? defaultAccess(method, routesAt(path))
    if (access !== 'open') {
      try {
        const settings = readSettings(context.env)
        const caller = access === 'ping' ? authorizePing(raw, settings) : authorize(raw, settings, access)
        context.set('caller', caller)
        await assertWithinRate(context.env, caller)
      } catch (fault) {
        if (fault instanceof ApiError && fault.code === 'unauthenticated' && wantsHtml(raw)) return askToSignIn(raw)
        throw fault
      }
    }
    await next()
  })

  app.use(async (context, next) => {
    await next()
    if (isProfiled(context)) await showProfile(context, (context.get('scope') as ReturnType<typeof createScope>).trips())
  })

  // Pages first: if a page shares a path with an operation, it passes on every request that does not ask for HTML.
  for (const { routes } of [...pages, ...members]) routes?.(app, house)
  serveDocs(
    app,
    members.flatMap(({ tags }) => tags ?? []),
    Object.assign({}, ...members.map(({ enums }) => enums?.(house))),
  )

  app.notFound((context) => {
    const { method, path } = context.req
    const methods = methodsOf(routesAt(path))
    const Allow = methods.join(', ')
    if (methods.length > 0 && method === 'OPTIONS') return new Response(null, { status: 204, headers: { Allow } })
    const fault =
      methods.length === 0
        ? new ApiError('path_not_found', `There is no path ${path}: see /docs, or /scalar for the API`)
        : new ApiError('method_not_allowed', `${path} does not support ${method}: use ${Allow}`, { headers: { Allow } })
    return renderFault(fault, context)
  })

  app.onError((error, context) => {
    const known = error instanceof ApiError ? error : databaseFault(error)
    const fault = known ?? new ApiError('internal_error', 'Watcher failed: report this error with its request_id', { cause: error })
    return renderFault(fault, context)
  })

  return app
}

const endTrace = (context: RequestContext, requestId: string, trace: Trace, trips: Database['trips']): void => {
  const { status } = context.res
  const route = matchedRoutes(context).findLast(({ path }) => path !== '/*')?.path
  trace.follow(trips)
  trace.describe(
    route && `${context.req.method} ${route}`,
    {
      ...(route && { 'http.route': route }),
      'http.response.status_code': status,
      'watcher.request_id': requestId,
      'watcher.token': context.get('caller')?.name,
    },
    status >= 500 ? String(status) : undefined,
  )
  trace.end()
}

/** Requests are counted by token, so a caller without a token has no limit. */
const assertWithinRate = async ({ RATE_LIMIT }: Partial<Env>, { name, isKnown }: Caller): Promise<void> => {
  if (!isKnown || !RATE_LIMIT) return
  // If the platform's counter fails, the request goes on.
  const { success } = await RATE_LIMIT.limit({ key: name }).catch(() => ({ success: true }))
  if (success) return
  throw new ApiError('rate_limited', `The token "${name}" has sent too many requests: wait ten seconds`)
}

const READING = ['GET', 'HEAD', 'OPTIONS']

/** The access that a 404 or 405 needs: if no route has the method. All methods of an open path are open. */
const defaultAccess = (method: string, routes: { access: string }[]) => {
  if (routes.some(({ access }) => access === 'ping')) return 'ping'
  if (routes.some(({ access }) => access === 'open')) return 'open'
  return READING.includes(method) ? 'read' : 'write'
}

/** Renders JSON for a client of the API, and a page for a browser that has opened anything else. */
const renderFault = (fault: ApiError, context: RequestContext): Response | Promise<Response> => {
  const kind = context.get('route')?.kind
  if (routeOf(context)?.access === 'ping') {
    return new Response(fault.message, { status: fault.status, headers: { 'Content-Type': 'text/plain; charset=utf-8', ...fault.headers } })
  }
  if (kind === 'page' || (kind !== 'operation' && wantsHtml(context.req.raw))) return faultPage(context, fault)
  return new Response(JSON.stringify(fault.toBody(context.get('requestId'))), {
    status: fault.status,
    headers: { 'Content-Type': 'application/json', ...fault.headers, ...warningHeader(context.get('warnings') ?? []) },
  })
}

/** The client's own id, if it is safe in a header and in a log line; else a new one. */
const requestIdFrom = (given: string | undefined): string => (given && /^[\w.:-]{1,128}$/.test(given) ? given : crypto.randomUUID())

/** The scope of one request. It makes settings and database on first use: `GET /` needs neither. */
const createScope = (context: RequestContext, date: Date, runners: Runners): Scope & { trips: () => Database['trips']; trace: Trace } => {
  const { env } = context
  let db: Database | undefined
  let backgroundDb: Database | undefined
  const stopwatch = new Stopwatch(date.getTime())
  const waitUntil = (work: Promise<unknown>) => context.executionCtx.waitUntil(work)
  const sink = sendAtOnce(env, { waitUntil })
  const trace = Trace.begin(sink, {
    name: context.req.method,
    kind: 'server',
    parent: context.req.header('traceparent'),
    attributes: { 'http.request.method': context.req.method, 'url.path': withoutKey(context.req.path) },
  })
  return {
    outbound: outboundOf(env),
    now: instantOf(date),
    trace,
    traceId: trace.id,
    get settings() {
      return readSettings(env)
    },
    get namesGiven() {
      return namesGiven(env)
    },
    get caller() {
      return context.get('caller')?.name ?? 'anyone'
    },
    get db() {
      const kind = context.get('route')?.kind
      db ??= createDatabase(readSettings(env), kind === 'page' || kind === 'data' ? { application: PAGES } : {})
      return db
    },
    get backgroundDb() {
      backgroundDb ??= createJobDatabase(env)
      return backgroundDb
    },
    sendAfterwards: (jobIds) => {
      stopwatch.sentAfterwards.push(...jobIds)
      if (jobIds.length > 0) waitUntil(trySendJobs(env.JOBS, jobIds, trace))
    },
    runAfterwards: (jobIds) => {
      for (const id of jobIds) waitUntil(tryRunJob(id, env, runners, { sink, parent: trace.parent }))
    },
    stopwatch,
    trips: () => [...(db?.trips ?? []), ...(backgroundDb?.trips ?? [])],
  }
}

/** The error to log: a failure of Watcher or of the database. A client's mistakes are only in the answer. */
const faultToLog = (error: unknown): unknown => {
  if (error === undefined) return undefined
  return error instanceof ApiError && error.status < 500 ? undefined : error
}

/** The methods for `Allow`: HEAD if there is GET, and always OPTIONS. */
const methodsOf = (routes: { method: string }[]): string[] => {
  const methods = new Set(routes.map(({ method }) => method.toUpperCase()))
  if (methods.size === 0) return []
  return [...(methods.has('GET') ? ['HEAD'] : []), ...methods, 'OPTIONS'].sort()
}
