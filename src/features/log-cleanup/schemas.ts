import { z } from '@hono/zod-openapi'
import { once } from '../../core/once.ts'
import { optional, wholeNumber } from '../../http/fields.ts'

export const BATCH_SIZE = 10_000

export const cleanupPost = once(() =>
  z
    .object({
      retention_days: wholeNumber('Days that are kept.', 90, 36_500, 365),
      batch_size: optional(wholeNumber(`Most rows of a table in one transaction. Initially ${BATCH_SIZE}.`, 1, 100_000, BATCH_SIZE)),
    })
    .openapi('LogCleanupPost'),
)

const count = (what: string) => z.int().openapi({ description: `Deleted ${what}.`, example: 0 })

export const cleanupAnswer = once(() =>
  z
    .object({
      total_pipeline_executions_deleted: count('executions'),
      total_timeliness_pipeline_execution_logs_deleted: count('rows of the timeliness log'),
      total_anomaly_detection_results_deleted: count('flagged anomalies'),
      total_pipeline_execution_closures_deleted: count('pairs of nested executions'),
      total_freshness_pipeline_logs_deleted: count('rows of the freshness log'),
      total_jobs_deleted: count('background jobs'),
      complete: z.boolean().openapi({ description: 'false: more is old than one call deletes; a job goes on with it.' }),
    })
    .openapi('LogCleanup'),
)
