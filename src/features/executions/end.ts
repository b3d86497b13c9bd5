import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { ApiError, bodyFault } from '../../core/errors.ts'
import { stringifyJson } from '../../core/json.ts'
import type { Database } from '../../db/client.ts'
import { truth, whole } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import type { ExecutionEnd } from './schemas.ts'

/** The function and what it guarantees: migrations/0004_end_with_job.sql. */
const END =
  prepare(sql`select * from end_pipeline_execution_v2(${param('id')}, ${param('end_date')}, ${param('succeeded')}, ${param('inserts')},
  ${param('updates')}, ${param('soft_deletes')}, ${param('total_rows')}, ${param('metadata')}, ${param('now')})`)

const endedRow = z.object({
  known: truth,
  /** This call ended it. */
  ended: truth,
  /** The outcome it had before this call; null while it ran. */
  outcome_before: truth.nullable(),
  /** The job that looks for anomalies, where this call has recorded it. */
  job_id: whole.nullable(),
})

/**
 * Ends an execution: its metrics, and where it succeeded its pipeline's watermark and DML times, and the anomaly job
 * where the pipeline has an active rule. Ending it again with the same outcome changes nothing. Answers the jobs it has
 * recorded, to be sent. Throws ApiError: unknown execution, ended with the other outcome, end before start.
 */
export const endExecution = async (db: Database, body: ExecutionEnd, now: string): Promise<number[]> => {
  const succeeded = body.completed_successfully ?? true
  const [outcome] = await db.rows(END, endedRow, {
    id: body.id,
    end_date: body.end_date ?? null,
    succeeded,
    inserts: body.inserts ?? null,
    updates: body.updates ?? null,
    soft_deletes: body.soft_deletes ?? null,
    total_rows: body.total_rows ?? null,
    metadata: body.execution_metadata ? stringifyJson(body.execution_metadata) : null,
    now,
  })
  if (!outcome?.known) throw new ApiError('pipeline_execution_not_found', `Execution ${body.id} not found`)
  if (outcome.ended || outcome.outcome_before === succeeded) return outcome.job_id === null ? [] : [outcome.job_id]
  if (outcome.outcome_before === null) {
    throw bodyFault('end_before_start', 'end_date', `end_date lies before the start_date of execution ${body.id}`)
  }
  const before = outcome.outcome_before ? 'succeeded' : 'failed'
  throw new ApiError('execution_already_ended', `Execution ${body.id} has already ended: it ${before}, and an outcome does not change`)
}
