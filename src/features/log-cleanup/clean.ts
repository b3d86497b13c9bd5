import type { Database } from '../../db/client.ts'
import { cutoffOf, type Deleted, deleteBatch } from './queries.ts'

export interface Cleanup {
  retention_days: number
  /** Most rows of a table in one transaction. */
  batch_size: number
}

/** Database calls of one cleanup. A consumer's invocation may have nine other jobs; the free plan allows it 50 in all. */
export const MOST_BATCHES = 12
const MOST_FAILURES = 2

const NONE: Deleted = {
  total_pipeline_executions_deleted: 0,
  total_timeliness_pipeline_execution_logs_deleted: 0,
  total_anomaly_detection_results_deleted: 0,
  total_pipeline_execution_closures_deleted: 0,
  total_freshness_pipeline_logs_deleted: 0,
  total_jobs_deleted: 0,
}

/**
 * Deletes batch after batch until nothing old is left, or this call has done its share (`complete: false`): no batch is
 * begun after `longestMillis`. A batch that fails, for being more than the database does in time or for a row that got
 * a child meanwhile, is followed by a smaller one, whose size the rest goes on with.
 */
export const cleanLogs = async (
  db: Database,
  { retention_days, batch_size }: Cleanup,
  now: string,
  longestMillis: number,
): Promise<{ deleted: Deleted; complete: boolean; rest: Cleanup }> => {
  const cutoff = cutoffOf(now, retention_days)
  const begun = Date.now()
  let deleted = NONE
  let size = batch_size
  let failures = 0
  for (let batches = 0; batches < MOST_BATCHES && Date.now() - begun < longestMillis; batches += 1) {
    try {
      const batch = await deleteBatch(db, cutoff, size)
      if (Object.values(batch).every((count) => count === 0)) return { deleted, complete: true, rest: { retention_days, batch_size: size } }
      deleted = sum(deleted, batch)
    } catch (error) {
      failures += 1
      if (failures > MOST_FAILURES) throw error
      size = Math.ceil(size / 10)
    }
  }
  return { deleted, complete: false, rest: { retention_days, batch_size: size } }
}

const sum = (left: Deleted, right: Deleted): Deleted =>
  Object.fromEntries(Object.entries(left).map(([name, count]) => [name, count + right[name as keyof Deleted]])) as unknown as Deleted
