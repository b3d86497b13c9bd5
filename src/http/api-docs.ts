import { Scalar } from '@scalar/hono-api-reference'
import { ERRORS } from '../core/errors.ts'
import { once } from '../core/once.ts'
import { DATEPARTS, METRIC_FIELDS } from '../db/constraints.ts'
import { isOpenToAll } from './access.ts'
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

/** A header above Scalar's page, which has no place for links of ours. Its own header variable makes room for it. */
const HEADER_HEIGHT = '44px'
const WAY_BACK = `<style>
  :root { --scalar-custom-header-height: ${HEADER_HEIGHT}; }
  .way-back { position: sticky; top: 0; z-index: 100; display: flex; gap: 1.25rem; align-items: center; height: ${HEADER_HEIGHT}; padding: 0 1rem;
    box-sizing: border-box; font: 15px/1.5 system-ui, sans-serif; background: var(--scalar-background-1, Canvas);
    border-bottom: 1px solid var(--scalar-border-color, GrayText); }
  .way-back a { color: var(--scalar-color-1, LinkText); }
  .way-back img { vertical-align: -5px; }
</style>
<nav class="way-back" aria-label="Watcher">
  <a href="/overview"><img src="/static/favicon.svg" alt="" width="20" height="20"> Overview</a>
  <a href="/docs">Docs</a>
</nav>`

/** Serves `GET /openapi.json` and `GET /scalar`. The page's script is one of the worker's static assets (tools/assets.ts): no CDN. */
export const serveDocs = (router: Router, tags: readonly Tag[], enums: NamedEnums): void => {
  const describe = (security: Record<string, string[]>[]) =>
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
          security,
          tags: [...new Map(tags.map((tag) => [tag.name, tag])).values()],
        },
        { Datepart: DATEPARTS, MetricField: METRIC_FIELDS, ErrorCode: Object.keys(ERRORS), ...enums },
      ),
    )
  // The document is the same for every request, and takes some milliseconds to make.
  const document = once(() => describe([{ [SECURITY_SCHEME]: [] }]))
  // Clients are generated for every deployment; only the page of an open one says that it needs no token.
  const openDocument = once(() => describe([{}, { [SECURITY_SCHEME]: [] }]))
  register(
    router,
    'data',
    { method: 'get', path: '/openapi.json', access: 'read' },
    async (_input, context) =>
      new Response(context.req.query('token') === 'optional' ? openDocument() : document(), {
        headers: { 'Content-Type': 'application/json' },
      }),
  )
  const page = once(() => scalar({ url: '/openapi.json' }))
  const openPage = once(() => scalar({ url: '/openapi.json?token=optional', authentication: { preferredSecurityScheme: null } }))
  register(router, 'page', { method: 'get', path: '/scalar', access: 'read' }, async (_input, context) => {
    const nonce = makeNonce()
    const show = isOpenToAll(context.get('scope').settings) ? openPage() : page()
    const html = await ((await show(context, async () => {})) as Response).text()
    return new Response(html.replace('<body>', `<body>${WAY_BACK}`).replaceAll('<script', `<script nonce="${nonce}"`), {
      headers: { 'Content-Type': 'text/html; charset=UTF-8', 'Content-Security-Policy': pagePolicy(nonce) },
    })
  })
}

const scalar = (of: Parameters<typeof Scalar<AppEnvironment>>[0]) =>
  Scalar<AppEnvironment>({
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
    ...of,
  })
