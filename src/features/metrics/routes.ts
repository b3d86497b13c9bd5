import { type Router, serveOperation } from '../../http/router.ts'
import type { House } from '../feature.ts'
import { measure } from './queries.ts'
import { renderMetrics } from './text.ts'

/** Several scrapers, and one that is impatient, cost the database one statement in this time. */
const FRESH_MILLIS = 10_000

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export const routes = (router: Router, house: House): void => {
  // By database: an isolate serves one, a test may have it serve several.
  const kept = new Map<string, { text: string; madeMillis: number }>()
  serveOperation(
    router,
    {
      method: 'get',
      path: '/metrics',
      access: 'read',
      operationId: 'get_metrics',
      tag: 'Monitoring',
      summary: 'The state of everything, for Prometheus',
      description: 'Counted in the database, at most once in ten seconds.',
      answers: { 200: { description: "Gauges in Prometheus' text format.", mediaType: 'text/plain' } },
    },
    async (_input, { settings, db, now }) => {
      const nowMillis = Date.parse(now)
      let found = kept.get(settings.DATABASE_URL)
      if (!found || nowMillis - found.madeMillis >= FRESH_MILLIS) {
        found = { text: renderMetrics(await measure(db, house, now), house), madeMillis: nowMillis }
        kept.set(settings.DATABASE_URL, found)
      }
      return { status: 200, text: found.text, headers: { 'Content-Type': CONTENT_TYPE } }
    },
  )
}
