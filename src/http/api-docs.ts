import { Scalar } from '@scalar/hono-api-reference'
import { ERRORS } from '../core/errors.ts'
import { once } from '../core/once.ts'
import { DATEPARTS, METRIC_FIELDS } from '../db/constraints.ts'
import type { NamedEnums } from './name-enums.ts'
import { describeEndpoints, SECURITY_SCHEME } from './openapi.ts'
import { type Router, register } from './router.ts'
import type { AppEnvironment } from './scope.ts'
import { makeNonce, pagePolicy } from './security-headers.ts'

const ABOUT = `The metadata service for data pipelines: did my pipeline run, was it on time, what did it touch, is this load normal?

A run calls \`POST /pipeline\`, \`POST /start_pipeline_execution\` and \`POST /end_pipeline_execution\`. If the first answers \`load_lineage: true\`, it also calls \`POST /address_lineage\`.

**Timestamps** are ISO 8601; a timestamp without an offset means UTC; answers are in UTC with microseconds. **Unknown fields** in a body are ignored. **Lists** are arrays, ordered by id, with at most 1,000 rows; \`Link: <…>; rel="next"\` leads to the next page. **Errors** have one shape, \`Error\`; its \`code\` is stable. **Access**: send \`Authorization: Bearer <token>\` if the deployment has tokens; a token that may only read gets 403 for every operation that writes.`

/** A group of operations on the docs page. */
export interface Tag {
  name: string
  description: string
}

/** Serves `GET /openapi.json` and `GET /scalar`. The page's script is one of the worker's static assets (tools/assets.ts): no CDN. */
export const serveDocs = (router: Router, tags: readonly Tag[], enums: NamedEnums): void => {
  // The document is the same for every request, and takes some milliseconds to make.
  const document = once(() =>
    JSON.stringify(
      describeEndpoints(
        router,
        {
          openapi: '3.1.0',
          info: {
            title: 'Watcher',
            version: '0.1.0',
            description: ABOUT,
            license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
          },
          servers: [{ url: '/' }],
          security: [{ [SECURITY_SCHEME]: [] }],
          tags: [...new Map(tags.map((tag) => [tag.name, tag])).values()],
        },
        { Datepart: DATEPARTS, MetricField: METRIC_FIELDS, ErrorCode: Object.keys(ERRORS), ...enums },
      ),
    ),
  )
  register(
    router,
    'data',
    { method: 'get', path: '/openapi.json', access: 'read' },
    async () => new Response(document(), { headers: { 'Content-Type': 'application/json' } }),
  )
  const page = once(() =>
    Scalar<AppEnvironment>({
      url: '/openapi.json',
      cdn: '/static/scalar.js',
      pageTitle: 'Watcher API',
      favicon: '/static/favicon.svg',
      theme: 'default',
      withDefaultFonts: false,
      telemetry: false,
      hideClientButton: true,
      showDeveloperTools: 'never',
      agent: { disabled: true },
      mcp: { disabled: true },
    }),
  )
  register(router, 'page', { method: 'get', path: '/scalar', access: 'read' }, async (_input, context) => {
    const nonce = makeNonce()
    const html = await ((await page()(context, async () => {})) as Response).text()
    return new Response(html.replaceAll('<script', `<script nonce="${nonce}"`), {
      headers: { 'Content-Type': 'text/html; charset=UTF-8', 'Content-Security-Policy': pagePolicy(nonce) },
    })
  })
}
