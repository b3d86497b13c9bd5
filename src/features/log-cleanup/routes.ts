import { type Router, serveOperation } from '../../http/router.ts'
import { recordJob } from '../../jobs/record.ts'
import type { House } from '../feature.ts'
import { cleanLogs } from './clean.ts'
import { BATCH_SIZE, cleanupAnswer, cleanupPost } from './schemas.ts'

/** Short, because a client waits for the answer. */
const MAX_MILLIS = 4_000

export const routes = (router: Router, house: House): void =>
  serveOperation(
    router,
    {
      method: 'post',
      path: '/log_cleanup',
      access: 'write',
      operationId: 'clean_logs',
      tag: 'Log cleanup',
      summary: 'Delete old logs',
      description:
        'Deletes executions that started before the retention date, have ended and have no younger descendant, with their logs and anomalies. Also deletes freshness logs whose last change is before that date, and background jobs that finished before it. What reports need of each pipeline and day stays for `WATCHER_DAY_RETENTION_DAYS`. It works in batches, each in its own transaction. Watcher also runs this cleanup every day.',
      body: cleanupPost,
      answers: { 200: { description: 'How many rows were deleted.', schema: () => cleanupAnswer(house) } },
    },
    async ({ body: { retention_days, batch_size = BATCH_SIZE } }, { settings, backgroundDb: db, now, sendAfterwards }) => {
      const limits = { now, dayRetentionDays: settings.WATCHER_DAY_RETENTION_DAYS, maxMillis: MAX_MILLIS }
      const { deleted, complete, rest } = await cleanLogs(db, house, { retention_days, batch_size }, limits)
      if (!complete) sendAfterwards(await recordJob(db, 'clean_logs', { ...rest }, now))
      return { status: 200, body: { ...deleted, complete } }
    },
  )
