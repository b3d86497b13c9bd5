import { createRoute, type RouteConfig, type z } from '@hono/zod-openapi'
import { ERRORS, type ErrorCode, errorSchema } from '../core/errors.ts'
import type { Endpoint } from './endpoint.ts'
import { type NamedEnums, nameEnums } from './name-enums.ts'
import { nameNullables } from './name-nullables.ts'
import { nameObjects } from './name-objects.ts'
import { partsOf } from './read.ts'
import { endpointsOf, type Router, WARNING } from './router.ts'
import { sizeIntegers } from './size-integers.ts'

/** The name of the token scheme in the document. */
export const SECURITY_SCHEME = 'token'

const described = new WeakSet<Router>()

/** The OpenAPI 3.1 document of every endpoint registered so far; `enums` names its lists of values. */
export const describeEndpoints = (router: Router, about: Parameters<Router['getOpenAPI31Document']>[0], enums: NamedEnums): object => {
  if (!described.has(router)) {
    described.add(router)
    router.openAPIRegistry.registerComponent('securitySchemes', SECURITY_SCHEME, {
      type: 'http',
      scheme: 'bearer',
      description: 'A token from WATCHER_API_TOKENS, without its name.',
    })
    for (const endpoint of endpointsOf(router)) router.openAPIRegistry.registerPath(documented(endpoint))
  }
  return sizeIntegers(nameNullables(nameObjects(nameEnums(router.getOpenAPI31Document(about), enums))))
}

const json = (schema: z.ZodType) => ({ 'application/json': { schema } })

const A_TEXT = { schema: { type: 'string' as const } }
/** Clients of pings read text: so are their errors. */
const TEXT = { 'text/plain': A_TEXT }

const BODY_ERRORS: ErrorCode[] = ['malformed_json', 'body_too_large', 'unsupported_media_type']

const errorsOf = (endpoint: Endpoint): Set<ErrorCode> =>
  new Set<ErrorCode>([
    ...(endpoint.access === 'open'
      ? []
      : endpoint.access === 'ping'
        ? (['rate_limited'] as const)
        : (['unauthenticated', 'rate_limited'] as const)),
    ...(endpoint.access === 'write' ? (['read_only_token', 'cross_site_request'] as const) : []),
    ...(endpoint.errors ?? []),
    ...(endpoint.body ? BODY_ERRORS : []),
    ...(takesInput(endpoint) ? (['validation_failed'] as const) : []),
    ...(endpoint.answers[200]?.paged ? (['page_too_large'] as const) : []),
    'database_unavailable',
    'misconfigured',
  ])

/** True if input can be refused: an operation without input still refuses query parameters. */
const takesInput = ({ params, query, headers, body, ignoresUnknownQuery }: Endpoint): boolean =>
  Boolean(params || query || headers || body || !ignoresUnknownQuery)

/** The endpoint as an OpenAPI operation, with every error it may answer. */
const documented = (endpoint: Endpoint): RouteConfig => {
  const { path, query, header, body } = partsOf(endpoint)
  const answers = Object.entries(endpoint.answers).map(([status, { description, schema, paged, mediaType }]) => [
    status,
    {
      description,
      headers: { ...REQUEST_ID_HEADER, ...(paged ? LINK_HEADER : {}), ...(body ? WARNING_HEADER : {}) },
      ...(schema ? { content: json(schema()) } : {}),
      ...(mediaType ? { content: { [mediaType]: A_TEXT } } : {}),
    },
  ])
  const errors = Object.entries(Object.groupBy(errorsOf(endpoint), (code) => ERRORS[code].status)).map(([status, group = []]) => [
    status,
    {
      description: group.map((code) => `\`${code}\`: ${ERRORS[code].description}`).join('\n\n'),
      headers: { ...REQUEST_ID_HEADER, ...(['429', '503'].includes(status) ? RETRY_AFTER_HEADER : {}) },
      content: endpoint.access === 'ping' ? TEXT : json(errorSchema()),
    },
  ])
  return createRoute({
    method: endpoint.method,
    path: endpoint.path,
    operationId: endpoint.operationId,
    tags: [endpoint.tag],
    summary: endpoint.summary,
    ...(endpoint.access === 'open' || endpoint.access === 'ping' ? { security: [] } : {}), // the key of a ping is in its path
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

const header = (name: string, type: 'string' | 'integer', description: string) => ({ [name]: { schema: { type }, description } })

const REQUEST_ID_HEADER = header('X-Request-Id', 'string', 'The id of the request; it is in every log line.')
const LINK_HEADER = header('Link', 'string', '`<url>; rel="next"` if there are more rows.')
const RETRY_AFTER_HEADER = header('Retry-After', 'integer', 'Seconds to wait before another try.')
const WARNING_HEADER = header(
  WARNING,
  'string',
  'Probable mistakes in a request that succeeded: for example, an ignored body field with a name close to a known one.',
)
