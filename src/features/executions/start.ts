import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { ApiError, bodyFault } from '../../core/errors.ts'
import { hasFraction } from '../../core/instant.ts'
import { stringifyJson } from '../../core/json.ts'
import type { Database } from '../../db/client.ts'
import { whole } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import type { ExecutionStart } from './schemas.ts'

export interface Started {
  id: number
  /** False where an earlier start was the same one. */
  created: boolean
}

/** The function and what it guarantees: migrations/0002_tracking_functions.sql. */
const START = prepare(sql`select * from start_pipeline_execution(${param('pipeline_id')}, ${param('pipeline_name')}, ${param('parent_id')},
  ${param('start_date')}, ${param('guards_start')}, ${param('full_load')}, ${param('watermark')}, ${param('next_watermark')},
  ${param('metadata')}, ${param('key')}, ${param('now')})`)

const startedRow = z.object({
  pipeline_id: whole.nullable(),
  parent_id: whole.nullable(),
  created_id: whole.nullable(),
  repeated_id: whole.nullable(),
})

/**
 * Starts an execution, with its place in the closure. Two kinds of repeats start nothing: one with the same
 * idempotency key, and, for clients that retry without a key, one with the same pipeline, parent and start_date to the
 * microsecond while that execution runs and is younger than five minutes. Throws ApiError: unknown pipeline or parent.
 */
export const startExecution = async (
  db: Database,
  body: ExecutionStart,
  idempotencyKey: string | undefined,
  now: string,
): Promise<Started> => {
  const [outcome] = await db.rows(START, startedRow, {
    pipeline_id: body.pipeline_id ?? null,
    pipeline_name: body.pipeline_name ?? null,
    parent_id: body.parent_id ?? null,
    start_date: body.start_date ?? now,
    // A start on the full second is a schedule's, and may well be meant twice; so is one without a start_date.
    guards_start: body.start_date !== undefined && hasFraction(body.start_date),
    full_load: body.full_load ?? null,
    watermark: body.watermark ?? null,
    next_watermark: body.next_watermark ?? null,
    metadata: body.execution_metadata ? stringifyJson(body.execution_metadata) : null,
    key: idempotencyKey ?? null,
    now,
  })
  if (!outcome?.pipeline_id)
    throw new ApiError('pipeline_not_found', `Pipeline ${body.pipeline_id ?? JSON.stringify(body.pipeline_name)} not found`)
  const id = outcome.created_id ?? outcome.repeated_id
  if (id === null) throw bodyFault('unknown_reference', 'parent_id', `parent_id: there is no execution ${body.parent_id}`)
  return { id, created: outcome.created_id !== null }
}
