import type { Database } from '../../db/client.ts'
import { cutoffOf, type Deleted, deleteBatch, NONE_DELETED } from './queries.ts'

export interface Cleanup {
  retention_days: number
  /** Most rows of a table in one transaction. */
  batch_size: number
}

/** Database calls of one invocation: with what else it asks well below the 50 that the free plan allows. */
export const MOST_BATCHES = 20
/** No batch is begun after this: a caller waits for the answer. */
const LONGEST_MILLIS = 10_000

/** Deletes batch after batch until nothing old is left, or the invocation has done its share (`complete: false`). */
export const cleanLogs = async (
  db: Database,
  { retention_days, batch_size }: Cleanup,
  now: string,
): Promise<Deleted & { complete: boolean }> => {
  const cutoff = cutoffOf(now, retention_days)
  const begun = Date.now()
  let total = NONE_DELETED
  for (let batches = 0; batches < MOST_BATCHES && Date.now() - begun < LONGEST_MILLIS; batches += 1) {
    const deleted = await deleteBatch(db, cutoff, batch_size)
    if (Object.values(deleted).every((count) => count === 0)) return { ...total, complete: true }
    total = sum(total, deleted)
  }
  return { ...total, complete: false }
}

const sum = (left: Deleted, right: Deleted): Deleted =>
  Object.fromEntries(Object.entries(left).map(([name, count]) => [name, count + right[name as keyof Deleted]])) as unknown as Deleted
