import { queuedAnswer } from '../../http/fields.ts'
import { handleList } from '../../http/resource.ts'
import { handle, type Router } from '../../http/router.ts'
import { recordJob } from '../../jobs/record.ts'
import { CRONS } from '../../jobs/schedule.ts'
import type { Feature } from '../feature.ts'
import { checkTimeliness } from './job.ts'
import { listTimelinessLog } from './queries.ts'
import { LOOKBACK_MINUTES, timelinessCheck, timelinessLogAnswer, timelinessLogFilters } from './schemas.ts'

const tag = 'Timeliness and freshness'

const routes = (router: Router): void => {
  handle(
    router,
    {
      method: 'post',
      path: '/timeliness',
      tag,
      summary: 'Queue a timeliness check',
      description:
        'Finds executions that run, or have run, for longer than their pipeline or its type allows. Each is logged once and alerted once. The check also runs every 15 minutes by itself.',
      body: timelinessCheck,
      answers: { 200: { description: 'The check is recorded and on its way.', schema: queuedAnswer } },
    },
    async ({ body }, { db, now, sendAfterwards }) => {
      sendAfterwards(await recordJob(db, 'check_timeliness', { lookback_minutes: body?.lookback_minutes ?? LOOKBACK_MINUTES }, now))
      return { status: 200, body: { status: 'queued' } }
    },
  )
  handleList(
    router,
    { path: '/timeliness_log', tag, noun: 'overdue execution', answer: timelinessLogAnswer },
    timelinessLogFilters,
    listTimelinessLog,
  )
}

export const timeliness: Feature = {
  routes,
  jobs: { check_timeliness: checkTimeliness },
  sweeps: [
    {
      cron: CRONS.quarterHourly,
      kind: 'check_timeliness',
      payload: (settings) => ({ lookback_minutes: settings.WATCHER_TIMELINESS_CHECK_LOOKBACK_MINUTES }),
    },
  ],
}
