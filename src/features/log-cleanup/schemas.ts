import { z } from '@hono/zod-openapi'
import { RETENTION_DAYS } from '../../core/bounds.ts'
import { once } from '../../core/once.ts'
import { optional, wholeNumber } from '../../http/fields.ts'
import type { House } from '../feature.ts'
import { totalsOf } from './queries.ts'

export const BATCH_SIZE = 10_000

export const cleanupPost = once(() =>
  z
    .object({
      retention_days: wholeNumber('How many days are kept.', RETENTION_DAYS.min, RETENTION_DAYS.max, RETENTION_DAYS.default),
      batch_size: optional(
        wholeNumber(
          `The most executions in one transaction, and the most rows of each table that is cleaned by age. Default: ${BATCH_SIZE}.`,
          1,
          100_000,
          BATCH_SIZE,
        ),
      ),
    })
    .openapi('LogCleanupPost'),
)

/** How many rows of each table were deleted. */
export const cleanupAnswer = (house: House) =>
  z
    .object({
      ...Object.fromEntries(totalsOf(house).map((total) => [total, z.int().openapi({ description: describeTotal(total), example: 0 })])),
      complete: z.boolean().openapi({ description: 'false: more rows are old than one call deletes; a job deletes the others.' }),
    })
    .openapi('LogCleanup')

/** Describes a count by the name of its table, for example `total_timeliness_pipeline_execution_logs_deleted`. */
const describeTotal = (total: string): string => `Deleted ${total.replace(/^total_|_deleted$/g, '').replaceAll('_', ' ')}.`
