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

/** The functions in `names` that the database lacks: a look-up by index in PostgreSQL's catalogue. */
const MISSING = prepare(sql`
  select expected.name from unnest(${param('names')}::text[]) expected(name)
  where not exists (select from pg_proc where proname = expected.name and pronamespace = current_schema()::regnamespace)`)

/** Checks that the database answers and has the functions of this version. Throws ApiError `misconfigured` with those it lacks. */
const assertReady = async (db: Database): Promise<void> => {
  const missing = await db.rows(MISSING, z.object({ name: text }), { names: `{${Object.values(FUNCTIONS).join(',')}}` })
  if (missing.length === 0) return
  throw misconfigured([
    `the database lacks functions of this version (${missing.map(({ name }) => name).join(', ')}): run npm run db:migrate`,
  ])
}

export const routes = (router: Router): void => {
  // A browser asks for HTML and gets the pages. Any other client gets the health.
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
        'With `deep=true` the service also asks the database, and answers 503 if it does not answer. The header `X-Watcher-Version` of every answer names the deployed version. A browser, which asks for HTML, is redirected to the overview.',
      query: () => ({ deep: flagText('Also ask the database.').optional() }),
      // Probes add their own parameters to bypass caches.
      ignoresUnknownQuery: true,
      answers: {
        200: {
          description: 'The service is up.',
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
