import { keepAnswers } from '../../http/kept.ts'
import { type Router, serveOperation } from '../../http/router.ts'
import { flagText } from '../../http/text-fields.ts'
import type { House } from '../feature.ts'
import { measure } from './queries.ts'
import { renderMetrics } from './text.ts'

/** An answer is reused this long: many scrapers cost the database one statement. */
const FRESH_MILLIS = 10_000

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export const routes = (router: Router, house: House): void => {
  // The key is the database: an isolate serves one, but a test may use several.
  const kept = keepAnswers<string>(FRESH_MILLIS)
  serveOperation(
    router,
    {
      method: 'get',
      path: '/metrics',
      access: 'read',
      operationId: 'get_metrics',
      tag: 'Monitoring',
      summary: 'Get metrics for Prometheus',
      description:
        'The values are counted in the database, at most once in ten seconds. With `pipelines=true` each active pipeline has series of its own, at most 10,000: last start, last success, last outcome, typical duration, next expected start.',
      query: () => ({ pipelines: flagText('Whether each active pipeline has series of its own. Default: false.').optional() }),
      answers: { 200: { description: "Gauges in Prometheus' text format.", mediaType: 'text/plain' } },
    },
    async ({ query: { pipelines = false } }, { settings, db, now }) => {
      const text = await kept(`${settings.DATABASE_URL} ${pipelines}`, async () =>
        renderMetrics(await measure(db, house, pipelines, now), house, now),
      )
      return { status: 200, text, headers: { 'Content-Type': CONTENT_TYPE } }
    },
  )
}
