import { sql } from 'drizzle-orm'
import { ApiError, bodyFault } from '../../core/errors.ts'
import { hasFraction } from '../../core/instant.ts'
import { stringifyJson } from '../../core/json.ts'
import { callFunction } from '../../db/call.ts'
import type { Database } from '../../db/client.ts'
import { FUNCTIONS } from '../../db/functions.ts'
import { param, prepare } from '../../db/statement.ts'
import type { ExecutionStart } from './schemas.ts'

export interface Started {
  id: number
  /** false: the start repeats an earlier one. */
  created: boolean
  /** The ids of the recorded jobs, for the caller to send. */
  jobIds: number[]
}

/** start.sql describes the function's contract. */
const START =
  prepare(sql`select row_to_json(r) as row from ${sql.raw(FUNCTIONS.start_pipeline_execution)}(p_pipeline_id => ${param('pipeline_id')},
  p_pipeline_name => ${param('pipeline_name')}, p_parent_id => ${param('parent_id')}, p_start_date => ${param('start_date')},
  p_guards_start => ${param('guards_start')}, p_full_load => ${param('full_load')}, p_watermark => ${param('watermark')},
  p_next_watermark => ${param('next_watermark')}, p_metadata => ${param('metadata')}, p_key => ${param('key')}, p_now => ${param('now')},
  p_tells => ${param('tells')}) r`)

interface StartOutcome {
  outcome: 'created' | 'repeated' | 'unknown_pipeline' | 'other_pipeline' | 'unknown_parent'
  id: number | null
  /** The job that tells people that a missed run has come. */
  job_ids: number[] | null
}

/**
 * Starts an execution and adds it to the closure. A repeat starts nothing. It has the same idempotency key; or, for clients
 * that retry without a key, the same pipeline, parent and start_date (to the microsecond) as an execution that still runs
 * and was recorded less than five minutes ago. `tells`: another service is told. Throws ApiError: unknown pipeline or parent, an id and a name of two pipelines.
 */
export const startExecution = async (
  db: Database,
  body: ExecutionStart,
  { idempotencyKey, tells }: { idempotencyKey: string | undefined; tells: boolean },
  now: string,
): Promise<Started> => {
  const { outcome, id, job_ids } = await callFunction<StartOutcome>(db, START, {
    pipeline_id: body.pipeline_id ?? null,
    pipeline_name: body.pipeline_name ?? null,
    parent_id: body.parent_id ?? null,
    start_date: body.start_date ?? now,
    // Two starts on the same full second, or without a start_date, may be two runs of a schedule.
    guards_start: body.start_date !== undefined && hasFraction(body.start_date),
    full_load: body.full_load ?? null,
    watermark: body.watermark ?? null,
    next_watermark: body.next_watermark ?? null,
    metadata: body.execution_metadata ? stringifyJson(body.execution_metadata) : null,
    key: idempotencyKey ?? null,
    now,
    tells,
  })
  if (id !== null) return { id, created: outcome === 'created', jobIds: job_ids ?? [] }
  if (outcome === 'unknown_parent') throw bodyFault('unknown_reference', 'parent_id', `parent_id: there is no execution ${body.parent_id}`)
  if (outcome === 'other_pipeline') {
    throw bodyFault(
      'validation_failed',
      'pipeline_name',
      `pipeline_name: pipeline ${body.pipeline_id} is not called ${JSON.stringify(body.pipeline_name)}; send only pipeline_id or only pipeline_name`,
    )
  }
  throw new ApiError('pipeline_not_found', `Pipeline ${body.pipeline_id ?? JSON.stringify(body.pipeline_name)} not found`)
}
