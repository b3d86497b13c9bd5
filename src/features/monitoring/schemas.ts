import { z } from '@hono/zod-openapi'
import { once } from '../../core/once.ts'
import { idField, instantAnswer } from '../../http/fields.ts'
import { pageQuery } from '../../http/paging.ts'
import type { JobKind } from '../../jobs/job.ts'
import { JOB_STATES } from '../../jobs/table.ts'
import type { House } from '../feature.ts'
import { CRITICAL_DEPTH, WARNING_DEPTH } from './depth-level.ts'

const jobState = () => z.enum(JOB_STATES)

/** The schemas that name the kinds of jobs, which are those of the house. */
export const jobSchemas = ({ jobKinds }: House) => {
  const jobKind = () => z.enum(jobKinds as [JobKind, ...JobKind[]])

  const jobFilters = once(() => ({
    ...pageQuery(),
    kind: z
      .enum(jobKinds as [JobKind, ...JobKind[]], { error: `Must be one of ${jobKinds.join(', ')}` })
      .optional()
      .openapi({ description: 'Only jobs of this kind.' }),
    state: z
      .enum(JOB_STATES, { error: `Must be one of ${JOB_STATES.join(', ')}` })
      .optional()
      .openapi({ description: 'Only jobs in this state.' }),
  }))

  const jobAnswer = once(() =>
    z
      .object({
        id: z.int(),
        kind: jobKind(),
        payload: z.record(z.string(), z.unknown()).openapi({ description: 'What the job was asked to do; of an alert, what it says.' }),
        state: jobState().openapi({
          description: 'A job that has failed once and will be tried again is waiting, with attempts and an error.',
        }),
        attempts: z.int(),
        error: z.string().nullable().openapi({ description: 'Why the last attempt failed.' }),
        interrupted: z
          .boolean()
          .openapi({ description: 'An attempt ended without a report: what it did outside the database may have happened.' }),
        created_at: instantAnswer(),
        due_at: instantAnswer().openapi({ description: 'When it may be tried; while it runs, when its claim ends.' }),
        started_at: instantAnswer().nullable().openapi({ description: 'The last attempt.' }),
        finished_at: instantAnswer().nullable(),
      })
      .openapi('Job'),
  )

  /** Each part has a name: generated clients call their types by it. */
  const jobCounts = () =>
    z
      .object({
        kind: jobKind(),
        waiting: z.int(),
        retrying: z.int().openapi({ description: 'Of those that wait: they have failed and will be tried again.' }),
        running: z.int(),
        failed: z.int().openapi({ description: 'For good; see `POST /replay_job`.' }),
        succeeded_last_hour: z.int(),
        mean_seconds: seconds('Mean'),
        p95_seconds: seconds('95th percentile of the'),
        last_finished_at: instantAnswer().nullable().openapi({ description: 'When one last succeeded or was failed for good.' }),
      })
      .openapi('JobCounts')

  const waitingJob = () =>
    z
      .object({ id: z.int(), kind: jobKind(), attempts: z.int(), created_at: instantAnswer(), age_seconds: z.number() })
      .openapi('WaitingJob')

  const failedJob = () =>
    z
      .object({
        id: z.int(),
        kind: jobKind(),
        attempts: z.int(),
        error: z.string().nullable(),
        finished_at: instantAnswer().nullable(),
      })
      .openapi('FailedJob')

  const overviewAnswer = once(() =>
    z
      .object({
        checked_at: instantAnswer(),
        kinds: z.array(jobCounts()).openapi({ description: 'Every kind of job.' }),
        // As `nullable()` of a named schema, null would become part of `WaitingJob` itself.
        oldest_waiting: z.union([waitingJob(), z.null()]),
        recent_failures: z.array(failedJob()).openapi({ description: 'The last 20, newest first.' }),
        last_hour: z
          .object({
            succeeded: z.int(),
            failed: z.int(),
            per_minute: z.number(),
            mean_seconds: seconds('Mean'),
            p95_seconds: seconds('95th percentile of the'),
          })
          .openapi('LastHour'),
      })
      .openapi('Monitoring'),
  )

  return { jobFilters, jobAnswer, overviewAnswer }
}

export const replayPost = once(() => z.object({ id: idField('The failed job.') }).openapi('ReplayJobPost'))

const seconds = (what: string) =>
  z
    .number()
    .nullable()
    .openapi({ description: `${what} seconds of the last hour's last attempts; null where there were none.` })

export const queueAnswer = once(() =>
  z
    .object({
      status: z.literal('success'),
      total_pending: z
        .int()
        .openapi({ description: `Waiting jobs. From ${WARNING_DEPTH} on Slack is warned, from ${CRITICAL_DEPTH} on it is critical.` }),
      task_breakdown: z.array(z.string()).openapi({ description: 'The kinds that wait, for people.', example: ['Detect Anomalies: 3'] }),
      task_breakdown_raw: z
        .record(z.string(), z.int())
        .openapi('WaitingByKind', { description: 'Every kind.', example: { detect_anomalies: 3 } }),
    })
    .openapi('QueueDepth'),
)
