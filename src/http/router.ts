import { OpenAPIHono, type z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { matchedRoutes } from 'hono/route'
import { TrieRouter } from 'hono/router/trie-router'
import { stringifyJson } from '../core/json.ts'
import { versionOf } from '../core/log.ts'
import { once } from '../core/once.ts'
import type { Endpoint } from './endpoint.ts'
import { HANDLER } from './profile.ts'
import { partsOf, readInput } from './read.ts'
import type { Input, RegisteredRoute, Route, RouteKind, Shape } from './route.ts'
import type { AppEnvironment, Scope } from './scope.ts'
import { DATA_HEADERS } from './security-headers.ts'

export type Router = OpenAPIHono<AppEnvironment>
type RequestContext = Context<AppEnvironment>

/** The answer of an operation. */
export interface Answer {
  status: number
  /** Sent as JSON. */
  body?: unknown
  /** JSON that is written already, instead of `body`. */
  json?: string
  /** Sent unchanged, instead of `body`; `headers` has its type. */
  text?: string
  headers?: Record<string, string>
}

/** The registered routes and endpoints, in order. Their documentation is made on request: at start-up it would cost the most. */
interface Registry {
  routes: RegisteredRoute[]
  endpoints: Endpoint[]
}
const registries = new WeakMap<Router, Registry>()
const routeByHandler = new WeakMap<object, RegisteredRoute>()

export const createRouter = (): Router => {
  const router = new OpenAPIHono<AppEnvironment>()
  registries.set(router, { routes: [], endpoints: [] })
  return router
}

const registryOf = (router: Router): Registry => registries.get(router) as Registry

/** The endpoints registered so far, in the order of the docs page. */
export const endpointsOf = (router: Router): readonly Endpoint[] => registryOf(router).endpoints

/** The first route with the method and path of this request; undefined if there is none. */
export const routeOf = (context: RequestContext): RegisteredRoute | undefined => {
  for (const { handler } of matchedRoutes(context)) {
    const route = routeByHandler.get(handler)
    if (route) return route
  }
  return undefined
}

/** Finds the routes of a path with any method: for 405, `Allow` and preflights. First used after every route is registered. */
export const routesByPath = (router: Router): ((path: string) => RegisteredRoute[]) => {
  const paths = once(() => {
    const trie = new TrieRouter<RegisteredRoute>()
    for (const route of registryOf(router).routes) trie.add('ALL', honoPath(route.path), route)
    return trie
  })
  return (path) =>
    paths()
      .match('ALL', path)[0]
      .map(([route]) => route)
}

/** `/pipeline/{id}` as Hono writes it: `/pipeline/:id`. */
const honoPath = (path: string): string => path.replace(/\{(\w+)\}/g, ':$1')

/**
 * Registers a route. Operations, pages and data read and check their input the same way, with all faults in one error.
 * zod-openapi's own `openapi()` is not used: it refuses a body without a content type, loses integers beyond 2^53 and
 * stops at the first faulty part of a request.
 */
export const register = <
  Params extends Shape = {},
  Query extends Shape = {},
  Headers extends Shape = {},
  Body extends z.ZodType = z.ZodUndefined,
>(
  router: Router,
  kind: RouteKind,
  route: Route<Params, Query, Headers, Body>,
  answer: (input: Input<Params, Query, Headers, Body>, context: RequestContext, warnings: string[]) => Promise<Response>,
): void => {
  const registered = { ...route, kind } as unknown as RegisteredRoute
  registryOf(router).routes.push(registered)
  const parts = once(() => partsOf(registered))
  const handler = async (context: RequestContext, next: () => Promise<void>) => {
    if (registered.appliesTo && !registered.appliesTo(context.req.raw)) {
      await next()
      context.res.headers.append('Vary', 'Accept')
      return
    }
    context.set('route', registered)
    const warnings: string[] = []
    context.set('warnings', warnings)
    const input = await context
      .get('scope')
      .stopwatch.measure('Reading and checking the input', () => readInput(context, registered, parts(), warnings))
    return answer(input as unknown as Input<Params, Query, Headers, Body>, context, warnings)
  }
  routeByHandler.set(handler, registered)
  router.on(route.method, honoPath(route.path), handler)
}

/** Registers an operation of the API, with its documentation. */
export const serveOperation = <
  Params extends Shape = {},
  Query extends Shape = {},
  Headers extends Shape = {},
  Body extends z.ZodType = z.ZodUndefined,
>(
  router: Router,
  endpoint: Endpoint<Params, Query, Headers, Body>,
  run: (input: Input<Params, Query, Headers, Body>, scope: Scope, request: Request) => Promise<Answer>,
): void => {
  registryOf(router).endpoints.push(endpoint as unknown as Endpoint)
  serveUndocumented(router, endpoint, run)
}

/** Registers an operation without documentation: another method or path of one that has it. */
export const serveUndocumented = <
  Params extends Shape = {},
  Query extends Shape = {},
  Headers extends Shape = {},
  Body extends z.ZodType = z.ZodUndefined,
>(
  router: Router,
  route: Route<Params, Query, Headers, Body>,
  run: (input: Input<Params, Query, Headers, Body>, scope: Scope, request: Request) => Promise<Answer>,
): void =>
  register(router, 'operation', route, (input, context, warnings) =>
    answerOf(context, warnings, (scope) => run(input, scope, context.req.raw)),
  )

/** Registers data that only our own pages request: like an operation, but without documentation. */
export const serveData = <Query extends Shape = {}>(
  router: Router,
  route: Pick<Route<{}, Query>, 'path' | 'query'>,
  run: (input: Input<{}, Query, {}, z.ZodUndefined>, scope: Scope) => Promise<Answer>,
): void =>
  register<{}, Query>(router, 'data', { ...route, method: 'get', access: 'read' }, (input, context, warnings) =>
    answerOf(context, warnings, (scope) => run(input, scope)),
  )

const answerOf = async (context: RequestContext, warnings: string[], run: (scope: Scope) => Promise<Answer>): Promise<Response> => {
  const scope = context.get('scope')
  const answer = await scope.stopwatch.measure(HANDLER, () => run(scope))
  return scope.stopwatch.measure('Writing the answer', () => answerWith(answer, warnings, context))
}

/** With all headers of the answer but those that need its end (see app.ts). */
const answerWith = ({ status, body, json, text, headers = {} }: Answer, warnings: string[], context: RequestContext): Response => {
  const isJson = body !== undefined || json !== undefined
  const all = new Headers(isJson ? jsonHeaders() : dataHeaders())
  for (const [name, value] of Object.entries(identityHeaders(context))) all.set(name, value)
  for (const name in headers) all.set(name, headers[name] as string)
  if (warnings.length > 0) {
    for (const [name, value] of Object.entries(warningHeader([...warnings, headers[WARNING] ?? '']))) all.set(name, value)
  }
  return new Response(json ?? (body === undefined ? (text ?? null) : stringifyJson(body)), { status, headers: all })
}

/** Copied for each answer: the platform copies headers faster than it reads them from an object. */
const dataHeaders = once(() => new Headers(DATA_HEADERS))
const jsonHeaders = once(() => new Headers({ ...DATA_HEADERS, 'Content-Type': 'application/json' }))

/** The id of the request and the version that answers it. */
export const identityHeaders = (context: RequestContext): Record<string, string> => {
  const version = versionOf(context.env)
  return { 'X-Request-Id': context.get('requestId'), ...(version !== undefined && { 'X-Watcher-Version': version }) }
}

/** The header for probable mistakes in a request, whether it succeeds or not. */
export const WARNING = 'Watcher-Warning'
const MAX_WARNING_CHARACTERS = 500

/** The sentences as one header, in ASCII: other characters of a client's text are percent-encoded. */
export const warningHeader = (sentences: readonly string[]): Record<string, string> => {
  const text = sentences.filter((sentence) => sentence !== '').join('; ')
  if (text === '') return {}
  const ascii = text.replace(/[^\x20-\x7e]+/g, (characters) => encodeURIComponent(characters.toWellFormed()))
  return { [WARNING]: ascii.slice(0, MAX_WARNING_CHARACTERS) }
}
