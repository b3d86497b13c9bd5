import { queuedAnswer } from '../../http/fields.ts'
import { serveList } from '../../http/resource.ts'
import { type Router, serveOperation } from '../../http/router.ts'
import { recordJob } from '../../jobs/record.ts'
import { listFreshnessLog } from './queries.ts'
import { freshnessLogAnswer, freshnessLogFilters } from './schemas.ts'

const tag = 'Timeliness and freshness'

export const routes = (router: Router): void => {
  serveOperation(
    router,
    {
      method: 'post',
      path: '/freshness',
      access: 'write',
      operationId: 'check_freshness',
      tag,
      summary: 'Queue a freshness check',
      description:
        'Finds stale pipelines: the last insert, update or soft delete is older than the freshness threshold of the pipeline or its type. Each is logged and alerted once per last change. Watcher also runs this check every hour.',
      answers: { 200: { description: 'The check is queued.', schema: queuedAnswer } },
    },
    async (_input, { db, now, sendAfterwards }) => {
      sendAfterwards(await recordJob(db, 'check_freshness', {}, now))
      return { status: 200, body: { status: 'queued' } }
    },
  )
  serveList(
    router,
    { path: '/freshness_log', tag, noun: 'stale pipeline', operationId: 'list_freshness_log', answer: freshnessLogAnswer },
    freshnessLogFilters,
    listFreshnessLog,
  )
}
