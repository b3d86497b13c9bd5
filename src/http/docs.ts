import { Scalar } from '@scalar/hono-api-reference'
import { once } from '../core/once.ts'
import { describeEndpoints, type Router, SECURITY_SCHEME } from './router.ts'
import type { AppEnvironment } from './scope.ts'
import { makeNonce, pagePolicy } from './security-headers.ts'

const ABOUT = `The metadata service for data pipelines: did my pipeline run, was it on time, what did it touch, is this load normal?

A run calls \`POST /pipeline\`, \`POST /start_pipeline_execution\` and \`POST /end_pipeline_execution\`; where the first answers \`load_lineage: true\` also \`POST /address_lineage\`.

**Timestamps** are ISO 8601; without an offset they are taken for UTC; answers are UTC with microseconds. **Unknown fields** in a body are ignored. **Lists** are arrays in the order of the ids, at most 1,000 rows; \`Link: <…>; rel="next"\` leads to the next page. **Errors** have one shape, \`Error\`; its \`code\` is stable. **Access**: \`Authorization: Bearer <token>\`, where the deployment has tokens; one that may only read is answered 403 for anything but \`GET\`.`

const TAGS = [
  ['Pipelines', 'What runs.'],
  ['Executions', 'Each run: start, end, metrics, parents and children.'],
  ['Pipeline types', 'Groups of pipelines and the rules they share.'],
  ['Addresses', 'Where data lives.'],
  ['Address types', 'What kinds of places there are.'],
  ['Lineage', 'Which address is made from which.'],
  ['Anomaly detection', 'Rules that say when a load is not normal, and what they have found.'],
  ['Timeliness and freshness', 'Runs that take too long, data that is too old.'],
  ['Log cleanup', 'What is old goes.'],
  ['Monitoring', 'The background jobs: what waits, what failed, and how to replay it.'],
  ['Health', 'Whether the service is up.'],
].map(([name, description]) => ({ name: name as string, description: description as string }))

/** `GET /openapi.json` and `GET /scalar`. The page's script is one of the worker's static assets (tools/assets.ts): no CDN. */
export const serveDocs = (router: Router): void => {
  // The same for every request, and the first costs some milliseconds to make.
  const document = once(() =>
    JSON.stringify(
      describeEndpoints(router, {
        openapi: '3.1.0',
        info: {
          title: 'Watcher',
          version: '0.1.0',
          description: ABOUT,
          license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
        },
        servers: [{ url: '/' }],
        security: [{ [SECURITY_SCHEME]: [] }],
        tags: TAGS,
      }),
    ),
  )
  router.get('/openapi.json', () => new Response(document(), { headers: { 'Content-Type': 'application/json' } }))
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
  router.get('/scalar', async (context, next) => {
    const nonce = makeNonce()
    const html = await ((await page()(context, next)) as Response).text()
    return new Response(html.replaceAll('<script', `<script nonce="${nonce}"`), {
      headers: { 'Content-Type': 'text/html; charset=UTF-8', 'Content-Security-Policy': pagePolicy(nonce) },
    })
  })
}
