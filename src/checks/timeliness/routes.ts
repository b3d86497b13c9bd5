import { LOOKBACK_MINUTES } from '../../core/bounds.ts'
import { queuedAnswer } from '../../http/fields.ts'
import { serveList } from '../../http/resource.ts'
import { type Router, serveOperation } from '../../http/router.ts'
import { recordJob } from '../../jobs/record.ts'
import { listTimelinessLog } from './queries.ts'
import { timelinessLogAnswer, timelinessLogFilters, timelinessPost } from './schemas.ts'

const tag = 'Timeliness and freshness'

export const routes = (router: Router): void => {
  serveOperation(
    router,
    {
      method: 'post',
      path: '/timeliness',
      access: 'write',
      operationId: 'check_timeliness',
      tag,
      summary: 'Queue a timeliness check',
      description:
        'Finds late executions: they take, or took, longer than the timeliness threshold of their pipeline or its type. Each is logged and alerted once. Watcher also runs this check every 15 minutes.',
      body: timelinessPost,
      answers: { 200: { description: 'The check is queued.', schema: queuedAnswer } },
    },
    async ({ body }, { db, now, sendAfterwards }) => {
      sendAfterwards(await recordJob(db, 'check_timeliness', { lookback_minutes: body?.lookback_minutes ?? LOOKBACK_MINUTES.default }, now))
      return { status: 200, body: { status: 'queued' } }
    },
  )
  serveList(
    router,
    { path: '/timeliness_log', tag, noun: 'late run', operationId: 'list_timeliness_log', answer: timelinessLogAnswer },
    timelinessLogFilters,
    listTimelinessLog,
  )
}
