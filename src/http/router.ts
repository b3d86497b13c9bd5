import { createRoute, OpenAPIHono, type RouteConfig, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { ERRORS, type ErrorCode, errorSchema, type Issue, validationFault } from '../core/errors.ts'
import { stringifyJson } from '../core/json.ts'
import { once } from '../core/once.ts'
import { readBody } from './body.ts'
import { HANDLER } from './profile.ts'
import type { AppEnvironment, Scope } from './scope.ts'

type Shape = z.ZodRawShape
type Read<S extends Shape> = z.output<z.ZodObject<S>>

/** One endpoint: what it takes, what it answers, in the words of the docs page. */
export interface Endpoint<Params extends Shape, Query extends Shape, Headers extends Shape, Body extends z.ZodType> {
  method: 'get' | 'post' | 'patch'
  path: string
  tag: string
  summary: string
  description?: string
  /** What it takes and answers; made when first needed (see once.ts). */
  params?: () => Params
  query?: () => Query
  headers?: () => Headers
  body?: () => Body
  answers: Record<number, { description: string; schema?: () => z.ZodType; paged?: boolean; mediaType?: string }>
  errors?: ErrorCode[]
  /** It answers without a token (see OPEN_PATHS in app.ts). */
  isOpen?: true
}

export interface Input<Params extends Shape, Query extends Shape, Headers extends Shape, Body extends z.ZodType> {
  params: Read<Params>
  query: Read<Query>
  headers: Read<Headers>
  body: z.output<Body>
  /** The request's own URL, for links to it. */
  url: string
}

export interface Answer {
  status: number
  /** Sent as JSON. */
  body?: unknown
  /** Sent as it is, in the place of a body; its type is in the headers. */
  text?: string
  headers?: Record<string, string>
}

export type Router = OpenAPIHono<AppEnvironment>

/** The endpoints whose documentation nobody has asked for yet: it costs more to make than everything else at start-up. */
const undocumented = new WeakMap<Router, AnyEndpoint[]>()

export const createRouter = (): Router => {
  const router = new OpenAPIHono<AppEnvironment>()
  undocumented.set(router, [])
  return router
}

/** What the document calls the tokens. */
export const SECURITY_SCHEME = 'token'

/** The OpenAPI 3.1 document of every endpoint handled so far. */
export const describeEndpoints = (router: Router, about: Parameters<Router['getOpenAPI31Document']>[0]) => {
  const endpoints = undocumented.get(router)?.splice(0) ?? []
  if (endpoints.length > 0) {
    router.openAPIRegistry.registerComponent('securitySchemes', SECURITY_SCHEME, {
      type: 'http',
      scheme: 'bearer',
      description: 'A token from WATCHER_API_TOKENS, without its name.',
    })
  }
  for (const endpoint of endpoints) router.openAPIRegistry.registerPath(documented(endpoint))
  return router.getOpenAPI31Document(about)
}

/**
 * Registers an endpoint with the docs and the router. zod-openapi's own `openapi()` is not used for the second: it
 * refuses a body without a content type, loses integers beyond 2^53 and stops at the first faulty part of a request.
 */
export const handle = <
  Params extends Shape = {},
  Query extends Shape = {},
  Headers extends Shape = {},
  Body extends z.ZodType = z.ZodUndefined,
>(
  router: Router,
  endpoint: Endpoint<Params, Query, Headers, Body>,
  run: (input: Input<Params, Query, Headers, Body>, scope: Scope) => Promise<Answer>,
): void => {
  undocumented.get(router)?.push(endpoint as unknown as AnyEndpoint)
  const parts = once(() => partsOf(endpoint as unknown as AnyEndpoint))
  router.on(endpoint.method, endpoint.path.replace(/\{(\w+)\}/g, ':$1'), async (context) => {
    const scope = context.get('scope')
    const read = await scope.stopwatch.measure('Reading and checking the input', () => readParts(context, parts()))
    const input = { params: read.path ?? {}, query: read.query ?? {}, headers: read.header ?? {}, body: read.body, url: context.req.url }
    const answer = await scope.stopwatch.measure(HANDLER, () => run(input as Input<Params, Query, Headers, Body>, scope))
    return scope.stopwatch.measure('Writing the answer', () => answerWith(answer))
  })
}

/** Every part as its schema reads it; all that is wrong with any of them in one fault. */
const readParts = async (context: Context, parts: Parts): Promise<Record<string, unknown>> => {
  const issues: Issue[] = []
  const read: Record<string, unknown> = {}
  for (const [part, schema] of Object.entries(parts) as [Part, z.ZodType][]) {
    const result = schema.safeParse(await rawPart(context, part, schema), { error: wordIssue })
    if (result.success) read[part] = result.data
    else issues.push(...result.error.issues.map((issue) => describeIssue(part, issue)))
  }
  if (issues.length > 0) throw validationFault(issues)
  return read
}

type Part = keyof Parts

interface Parts {
  path?: z.ZodObject
  query?: z.ZodObject
  header?: z.ZodObject
  body?: z.ZodType
}

/** The schemas of what the endpoint takes, in the order they are checked. */
const partsOf = ({ params, query, headers, body }: AnyEndpoint): Parts => ({
  ...(params && { path: z.object(params()) }),
  ...(query && { query: z.object(query()) }),
  ...(headers && { header: z.object(headers()) }),
  ...(body && { body: body() }),
})

const rawPart = (context: Context, part: Part, schema: z.ZodType): unknown => {
  if (part === 'path') return context.req.param()
  if (part === 'query') return context.req.query()
  if (part === 'header') return pickHeaders(context, Object.keys((schema as z.ZodObject).shape))
  return readBody(context.req.raw)
}

/** Only those the endpoint knows: a request has dozens. */
const pickHeaders = (context: Context, names: string[]) => Object.fromEntries(names.map((name) => [name, context.req.header(name)]))

const answerWith = ({ status, body, text, headers = {} }: Answer): Response =>
  body === undefined
    ? new Response(text ?? null, { status, headers })
    : new Response(stringifyJson(body), { status, headers: { 'Content-Type': 'application/json', ...headers } })

/** zod's words, where "Invalid input: expected string, received undefined" would not help. */
const wordIssue = (issue: { code?: string; input?: unknown; expected?: string }): string | undefined => {
  if (issue.code !== 'invalid_type' && issue.code !== 'invalid_union') return undefined
  if (issue.input === undefined) return 'Required'
  if (issue.input === null) return 'Must not be null'
  return issue.code === 'invalid_union' ? undefined : `Must be ${/^[aeio]/.test(issue.expected ?? '') ? 'an' : 'a'} ${issue.expected}`
}

const describeIssue = (part: string, issue: z.core.$ZodIssue): Issue => ({
  loc: [part, ...issue.path.map((step) => (typeof step === 'number' ? step : String(step)))],
  msg: issue.message,
  type: issue.message === 'Required' ? 'missing' : issue.code,
})

type AnyEndpoint = Endpoint<Shape, Shape, Shape, z.ZodType>

const json = (schema: z.ZodType) => ({ 'application/json': { schema } })

const BODY_ERRORS: ErrorCode[] = ['malformed_json', 'body_too_large', 'unsupported_media_type']

/** The endpoint as an OpenAPI operation, with every error it may answer. */
const documented = (endpoint: AnyEndpoint): RouteConfig => {
  const { path, query, header, body } = partsOf(endpoint)
  const takesInput = path || query || header || body
  const codes = new Set<ErrorCode>([
    ...(endpoint.isOpen ? [] : (['unauthenticated', 'rate_limited'] as const)),
    ...(endpoint.method === 'get' ? [] : (['read_only_token', 'cross_site_request'] as const)),
    ...(endpoint.errors ?? []),
    ...(body ? BODY_ERRORS : []),
    ...(takesInput ? (['validation_failed'] as const) : []),
    ...(endpoint.answers[200]?.paged ? (['page_too_large'] as const) : []),
    'database_unavailable',
    'misconfigured',
  ])
  const answers = Object.entries(endpoint.answers).map(([status, { description, schema, paged, mediaType }]) => [
    status,
    {
      description,
      headers: { ...REQUEST_ID_HEADER, ...(paged ? LINK_HEADER : {}) },
      ...(schema ? { content: json(schema()) } : {}),
      ...(mediaType ? { content: { [mediaType]: { schema: { type: 'string' as const } } } } : {}),
    },
  ])
  const errors = Object.entries(Object.groupBy(codes, (code) => ERRORS[code].status)).map(([status, group = []]) => [
    status,
    {
      description: group.map((code) => `\`${code}\`: ${ERRORS[code].description}`).join('\n\n'),
      headers: { ...REQUEST_ID_HEADER, ...(['429', '503'].includes(status) ? RETRY_AFTER_HEADER : {}) },
      content: json(errorSchema()),
    },
  ])
  return createRoute({
    method: endpoint.method,
    path: endpoint.path,
    operationId: `${endpoint.method}${endpoint.path.replace(/\W+(\w)/g, (_, letter: string) => `_${letter}`).replace(/\W+$/, '')}`,
    tags: [endpoint.tag],
    summary: endpoint.summary,
    ...(endpoint.isOpen ? { security: [] } : {}),
    ...(endpoint.description ? { description: endpoint.description } : {}),
    request: {
      ...(path && { params: path }),
      ...(query && { query }),
      ...(header && { headers: header }),
      ...(body && { body: { content: json(body), required: !body.safeParse(undefined).success } }),
    },
    responses: Object.fromEntries([...answers, ...errors]),
  })
}

const REQUEST_ID_HEADER = { 'X-Request-Id': { schema: { type: 'string' as const }, description: 'Names the request in every log line.' } }
const LINK_HEADER = { Link: { schema: { type: 'string' as const }, description: '`<url>; rel="next"` where there is more.' } }
const RETRY_AFTER_HEADER = { 'Retry-After': { schema: { type: 'integer' as const }, description: 'Seconds to wait before another try.' } }
