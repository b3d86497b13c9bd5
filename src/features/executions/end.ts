import { sql } from 'drizzle-orm'
import { ApiError, bodyFault } from '../../core/errors.ts'
import { stringifyJson } from '../../core/json.ts'
import { callFunction } from '../../db/call.ts'
import type { Database } from '../../db/client.ts'
import { FUNCTIONS } from '../../db/functions.ts'
import { param, prepare } from '../../db/statement.ts'
import type { ExecutionEnd } from './schemas.ts'

/** end.sql describes the function's contract. */
const END =
  prepare(sql`select row_to_json(r) as row from ${sql.raw(FUNCTIONS.end_pipeline_execution)}(p_id => ${param('id')}, p_end_date => ${param('end_date')},
  p_succeeded => ${param('succeeded')}, p_inserts => ${param('inserts')}, p_updates => ${param('updates')},
  p_soft_deletes => ${param('soft_deletes')}, p_total_rows => ${param('total_rows')}, p_metadata => ${param('metadata')}, p_now => ${param('now')},
  p_tells => ${param('tells')}) r`)

interface EndOutcome {
  outcome: 'ended' | 'repeated' | 'repeated_with_other_counts' | 'other_outcome' | 'before_start' | 'unknown'
  /** The jobs that this call recorded: to detect anomalies, to tell people of an incident. null: none. */
  job_ids: number[] | null
}

export interface Ended {
  /** The ids of the recorded jobs, for the caller to send. */
  jobIds: number[]
  /** A sentence for a client whose second end has other counts than the first. */
  warning?: string
}

/**
 * Ends an execution and stores its metrics. If it succeeded, updates its pipeline's watermark and DML times, and records a
 * job that detects anomalies if the pipeline has an active rule. Ending it again with the same outcome changes nothing.
 * `tells`: another service is told. Throws ApiError: unknown execution, ended with the other outcome, end before start.
 */
export const endExecution = async (db: Database, body: ExecutionEnd, tells: boolean, now: string): Promise<Ended> => {
  const succeeded = body.completed_successfully ?? true
  const { outcome, job_ids } = await callFunction<EndOutcome>(db, END, {
    id: body.id,
    end_date: body.end_date ?? null,
    succeeded,
    inserts: body.inserts ?? null,
    updates: body.updates ?? null,
    soft_deletes: body.soft_deletes ?? null,
    total_rows: body.total_rows ?? null,
    metadata: body.execution_metadata ? stringifyJson(body.execution_metadata) : null,
    now,
    tells,
  })
  switch (outcome) {
    case 'ended':
      return { jobIds: job_ids ?? [] }
    case 'repeated':
      return { jobIds: [] }
    case 'repeated_with_other_counts':
      return { jobIds: [], warning: `Execution ${body.id} has already ended with other counts: the counts of the first end are kept` }
    case 'other_outcome': {
      const stored = succeeded ? 'failed' : 'succeeded'
      throw new ApiError('execution_already_ended', `Execution ${body.id} has already ended: it ${stored}, and its outcome cannot change`)
    }
    case 'before_start':
      throw bodyFault('end_before_start', 'end_date', `end_date is before the start_date of execution ${body.id}`)
    default:
      throw new ApiError('pipeline_execution_not_found', `Execution ${body.id} not found`)
  }
}
