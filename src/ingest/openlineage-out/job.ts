import { z } from 'zod'
import { once } from '../../core/once.ts'
import { finishJob } from '../../jobs/claim.ts'
import { JobFailure, type RunJob } from '../../jobs/job.ts'
import { postTo } from '../../notifications/post.ts'
import { toEvent } from './event.ts'
import { readRun } from './queries.ts'

const payload = once(() => z.object({ pipeline_execution_id: z.number(), event: z.enum(['START', 'END']) }))

const post = postTo({ name: 'OPENLINEAGE_URL', setting: 'OPENLINEAGE_URL and OPENLINEAGE_API_KEY' })

/**
 * The `send_openlineage` job: tells of the start or the end of a run. An event that is sent again is the same, with the same run id: receivers
 * take it once. Nothing is sent of a run that came from OpenLineage, that is gone, or if OPENLINEAGE_URL is not set any more.
 */
export const sendOpenlineage: RunJob = async (job, { db, settings, clock }) => {
  const read = payload().safeParse(job.payload)
  if (!read.success) throw new JobFailure('This event cannot be read: its payload is of no known form', { permanent: true })
  const { OPENLINEAGE_URL: url, OPENLINEAGE_API_KEY: key } = settings
  const run = url === undefined ? undefined : await readRun(db, read.data.pipeline_execution_id)
  if (run) {
    const event = await toEvent(run, read.data.event, { namespace: settings.OPENLINEAGE_NAMESPACE, publicUrl: settings.WATCHER_PUBLIC_URL })
    await post(`${url?.replace(/\/+$/, '')}/api/v1/lineage`, event, key === undefined ? {} : { Authorization: `Bearer ${key}` })
  }
  await finishJob(db, job, clock())
  return []
}
