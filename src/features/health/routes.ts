import { z } from '@hono/zod-openapi'
import { once } from '../../core/once.ts'
import { wantsHtml } from '../../http/accept.ts'
import { instantAnswer } from '../../http/fields.ts'
import { keepAnswers } from '../../http/kept.ts'
import { type Router, register, serveOperation } from '../../http/router.ts'
import { flagText } from '../../http/text-fields.ts'
import { assertReady, type Readiness, readReadiness } from './queries.ts'

/** The last tick of a cron. */
const cronSchema = once(() =>
  z
    .object({
      cron: z.string().openapi({ example: '*/15 * * * *' }),
      due_at: instantAnswer().openapi({ description: 'When its last tick was due.' }),
      came_at: instantAnswer().openapi({ description: 'When that tick came.' }),
      fault: z.string().nullable().openapi({ description: 'Set if tasks of that tick failed.' }),
    })
    .openapi('CronTick'),
)

/** Anybody may ask, so the database is asked at most once in this time. */
const FRESH_MILLIS = 5_000

export const routes = (router: Router): void => {
  const kept = keepAnswers<Readiness>(FRESH_MILLIS)
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
        'With `deep=true` the service also asks the database, and answers 503 if it does not answer, lacks functions of this version, or if a cron has not fired for two of its periods. The answer is at most five seconds old. The header `X-Watcher-Version` of every answer names the deployed version. A browser, which asks for HTML, is redirected to the overview.',
      query: () => ({ deep: flagText('Also ask the database.').optional() }),
      // Probes add their own parameters to bypass caches.
      ignoresUnknownQuery: true,
      answers: {
        200: {
          description: 'The service is up.',
          schema: once(() => z.object({ status: z.literal('ok'), crons: z.array(cronSchema()).optional() }).openapi('Health')),
        },
      },
    },
    async ({ query: { deep } }, { settings, db, now }) => {
      if (!deep) return { status: 200, body: { status: 'ok' } }
      const found = await kept(settings.NEON_FETCH_ENDPOINT + settings.DATABASE_URL, () => readReadiness(db))
      assertReady(found, now)
      return { status: 200, body: { status: 'ok', crons: found.crons } }
    },
  )
}
