import { z } from '@hono/zod-openapi'
import { sql } from 'drizzle-orm'
import { once } from '../../core/once.ts'
import type { Database } from '../../db/client.ts'
import { FUNCTIONS } from '../../db/functions.ts'
import { text } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { misconfigured } from '../../env.ts'
import { wantsHtml } from '../../http/accept.ts'
import { type Router, register, serveOperation } from '../../http/router.ts'
import { flagText } from '../../http/text-fields.ts'

/** The names of these functions that the database lacks: a look-up by index in PostgreSQL's catalogue. */
const MISSING = prepare(sql`
  select wanted.name from unnest(${param('names')}::text[]) wanted(name)
  where not exists (select from pg_proc where proname = wanted.name and pronamespace = current_schema()::regnamespace)`)

/** Asks the database whether it is there, and ready for this version. Throws ApiError `misconfigured` naming what it lacks. */
const assertReady = async (db: Database): Promise<void> => {
  const missing = await db.rows(MISSING, z.object({ name: text }), { names: `{${Object.values(FUNCTIONS).join(',')}}` })
  if (missing.length === 0) return
  throw misconfigured([`the database lacks ${missing.map(({ name }) => name).join(', ')} of this version: run npm run db:migrate`])
}

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
  serveOperation(
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
      if (deep) await assertReady(scope.db)
      return { status: 200, body: { status: 'ok' } }
    },
  )
}
