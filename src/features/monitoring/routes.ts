import { ApiError } from '../../core/errors.ts'
import { queuedAnswer } from '../../http/fields.ts'
import { serveList, serveOne } from '../../http/resource.ts'
import { type Router, register, serveOperation } from '../../http/router.ts'
import { inTitleCase } from '../../notifications/message.ts'
import type { House } from '../feature.ts'
import { describeJobs, findJob, listJobs, replayJob } from './queries.ts'
import { measureQueueDepth } from './queue-depth.ts'
import { jobSchemas, queueAnswer, replayPost } from './schemas.ts'

const tag = 'Monitoring'

export const routes = (router: Router, house: House): void => {
  const { jobAnswer, jobFilters, overviewAnswer } = jobSchemas(house)
  const resource = {
    path: '/job',
    tag,
    noun: 'background job',
    operationNoun: 'job',
    answer: jobAnswer,
    notFound: 'job_not_found',
  } as const

  serveOperation(
    router,
    {
      method: 'get',
      path: '/monitoring',
      access: 'read',
      operationId: 'get_monitoring',
      tag,
      summary: 'Get the state of the background jobs',
      description: 'A browser, which asks for HTML, gets the same as a page.',
      answers: {
        200: { description: 'Counts by kind, the oldest waiting job, the last failures, the last hour.', schema: overviewAnswer },
      },
    },
    async (_input, { db, now }) => ({ status: 200, body: { checked_at: now, ...(await describeJobs(db, house, now)) } }),
  )

  // The original's path, for bookmarks. It is no operation of the API: it only redirects.
  register(router, 'data', { method: 'get', path: '/celery/monitoring', access: 'read' }, async (_input, context) =>
    context.redirect('/monitoring'),
  )

  serveOperation(
    router,
    {
      method: 'post',
      path: '/celery/monitor-queue',
      access: 'write',
      operationId: 'monitor_queue',
      tag,
      summary: 'Count the waiting jobs, and alert if there are many',
      description:
        "The answer has the original's shape. Watcher alerts Slack each time the number of waiting jobs reaches 50 (warning) or 100 (critical), without the queue. It also counts them every 15 minutes.",
      answers: { 200: { description: 'The depth of the queue.', schema: queueAnswer } },
    },
    async (_input, { db, now, runAfterwards }) => {
      const { total, breakdown, alertJobIds } = await measureQueueDepth(db, house, now)
      runAfterwards(alertJobIds)
      const waiting = Object.entries(breakdown).filter(([, count]) => count > 0)
      return {
        status: 200,
        body: {
          status: 'success',
          total_pending: total,
          task_breakdown: waiting.map(([kind, count]) => `${inTitleCase(kind)}: ${count}`),
          task_breakdown_raw: breakdown,
        },
      }
    },
  )

  serveList(router, resource, jobFilters, listJobs)
  serveOne(router, resource, findJob)

  serveOperation(
    router,
    {
      method: 'post',
      path: '/replay_job',
      access: 'write',
      operationId: 'replay_job',
      tag,
      summary: 'Run a failed job again',
      description: 'Use it when the cause is fixed. The job gets all its attempts again.',
      body: replayPost,
      answers: { 200: { description: 'The job is queued again.', schema: queuedAnswer } },
      errors: ['job_not_found', 'job_not_failed'],
    },
    async ({ body: { id } }, { db, now, sendAfterwards }) => {
      const found = await replayJob(db, id, now)
      if (!found) throw new ApiError('job_not_found', `Background job ${id} not found`)
      if (!found.replayed)
        throw new ApiError('job_not_failed', `Background job ${id} has the state ${found.state}: only a failed job can be replayed`)
      sendAfterwards([id])
      return { status: 200, body: { status: 'queued' } }
    },
  )
}
