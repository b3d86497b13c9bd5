import { z } from '@hono/zod-openapi'
import { once } from '../../core/once.ts'
import { idField, instantAnswer } from '../../http/fields.ts'
import { pageQuery } from '../../http/paging.ts'
import type { JobKind } from '../../jobs/job.ts'
import { JOB_STATES } from '../../jobs/table.ts'
import type { House } from '../feature.ts'
import { CRITICAL_DEPTH, WARNING_DEPTH } from './depth-level.ts'

const jobState = () => z.enum(JOB_STATES)

/** The schemas that list the kinds of jobs. */
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
        payload: z.record(z.string(), z.unknown()).openapi({ description: 'What the job must do; for an alert, its content.' }),
        state: jobState().openapi({
          description: 'A job with a failed attempt that will be tried again is `waiting`, with attempts and an error.',
        }),
        attempts: z.int(),
        error: z.string().nullable().openapi({ description: 'Why the last attempt failed.' }),
        interrupted: z
          .boolean()
          .openapi({ description: 'An attempt ended without a report: its effects outside the database may have happened.' }),
        created_at: instantAnswer(),
        due_at: instantAnswer().openapi({ description: 'When it may be tried; for a running job, when its claim ends.' }),
        started_at: instantAnswer().nullable().openapi({ description: 'When the last attempt began.' }),
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
        retrying: z.int().openapi({ description: 'How many of the waiting jobs have had an attempt and will be tried again.' }),
        running: z.int(),
        failed: z.int().openapi({ description: 'Failed for good; see `POST /replay_job`.' }),
        succeeded_last_hour: z.int(),
        mean_seconds: seconds('Mean'),
        p95_seconds: seconds('95th percentile of the'),
        last_finished_at: instantAnswer().nullable().openapi({ description: 'When a job of this kind last succeeded or failed for good.' }),
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
    .openapi({
      description: `${what} duration in seconds of the last attempts of jobs that finished in the last hour; null if there are none.`,
    })

export const queueAnswer = once(() =>
  z
    .object({
      status: z.literal('success'),
      total_pending: z.int().openapi({
        description: `How many jobs wait. Watcher alerts Slack at ${WARNING_DEPTH} (warning) and at ${CRITICAL_DEPTH} (critical).`,
      }),
      task_breakdown: z.array(z.string()).openapi({ description: 'The waiting jobs by kind, in words.', example: ['Detect Anomalies: 3'] }),
      task_breakdown_raw: z
        .record(z.string(), z.int())
        .openapi('WaitingByKind', { description: 'The waiting jobs of every kind.', example: { detect_anomalies: 3 } }),
    })
    .openapi('QueueDepth'),
)
