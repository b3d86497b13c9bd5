import { z } from '@hono/zod-openapi'
import { sql } from 'drizzle-orm'
import { once } from '../../core/once.ts'
import { anyRow } from '../../db/rows.ts'
import { wantsHtml } from '../../http/accept.ts'
import { handle, type Router } from '../../http/router.ts'
import { flagText } from '../../http/text-fields.ts'
import type { Feature } from '../feature.ts'

const routes = (router: Router): void => {
  // People are after the pages; whoever does not ask for HTML is after the health.
  router.get('/', async (context, next) => {
    const isForPeople = wantsHtml(context.req.raw) && context.req.query('deep') === undefined
    if (isForPeople) context.res = context.redirect('/overview')
    else await next()
    context.res.headers.append('Vary', 'Accept')
  })
  handle(
    router,
    {
      method: 'get',
      path: '/',
      isOpen: true,
      tag: 'Health',
      summary: 'Is the service up?',
      description:
        'With `deep=true` the database is asked as well: 503 when it is away. The `X-Watcher-Version` header of this and of every answer names the deployed version. A browser, which asks for HTML, is sent to the overview.',
      query: () => ({ deep: flagText('Ask the database too.').optional() }),
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

export const health: Feature = { routes }
