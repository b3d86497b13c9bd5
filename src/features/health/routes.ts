import { z } from '@hono/zod-openapi'
import { sql } from 'drizzle-orm'
import { once } from '../../core/once.ts'
import { anyRow } from '../../db/rows.ts'
import { wantsHtml } from '../../http/accept.ts'
import { handle, type Router, register } from '../../http/router.ts'
import { flagText } from '../../http/text-fields.ts'

export const routes = (router: Router): void => {
  // A browser wants the pages; whoever does not ask for HTML wants the health.
  register(
    router,
    'page',
    {
      method: 'get',
      path: '/',
      access: 'open',
      appliesTo: (request) => wantsHtml(request) && !new URL(request.url).searchParams.has('deep'),
    },
    async (_input, context) => {
      const response = context.redirect('/overview')
      response.headers.append('Vary', 'Accept')
      return response
    },
  )
  handle(
    router,
    {
      method: 'get',
      path: '/',
      access: 'open',
      operationId: 'get_health',
      tag: 'Health',
      summary: 'Is the service up?',
      description:
        'With `deep=true` the database is asked as well: 503 when it is away. The `X-Watcher-Version` header of this and of every answer names the deployed version. A browser, which asks for HTML, is sent to the overview.',
      query: () => ({ deep: flagText('Ask the database too.').optional() }),
      // Probes add parameters of their own, so that no cache answers them.
      ignoresUnknownQuery: true,
      answers: {
        200: {
          description: 'It is.',
          schema: once(() => z.object({ status: z.literal('ok') }).openapi('Health')),
        },
      },
    },
    async ({ query: { deep } }, scope) => {
      if (deep) await scope.db.rows(sql`select 1`, anyRow)
      return { status: 200, body: { status: 'ok' } }
    },
  )
}
