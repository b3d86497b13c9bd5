import type { Database } from '../../db/client.ts'
import type { House } from '../feature.ts'
import { cutoffOf, type Deleted, deleteBatch, totalsOf } from './queries.ts'

export interface Cleanup {
  retention_days: number
  /** The most executions in one transaction, and the most rows of each table that is cleaned by age. */
  batch_size: number
}

/** The most batches of one cleanup. A consumer's invocation may run nine other jobs, and the free plan allows it 50 calls. */
export const MAX_BATCHES = 12
const MAX_FAILURES = 2

/**
 * Deletes batch after batch until nothing old is left, or until the limit of batches or of time is reached (`complete: false`):
 * no batch begins after `maxMillis`. A batch may fail because the database runs out of time, or because a row got a child
 * meanwhile. Then the next batches are smaller. `rest` is the cleanup that remains, with the size of the last batch.
 */
export const cleanLogs = async (
  db: Database,
  house: House,
  { retention_days, batch_size }: Cleanup,
  { now, dayRetentionDays, maxMillis }: { now: string; dayRetentionDays: number; maxMillis: number },
): Promise<{ deleted: Deleted; complete: boolean; rest: Cleanup }> => {
  const cutoffs = { cutoff: cutoffOf(now, retention_days), dayCutoff: cutoffOf(now, dayRetentionDays) }
  const deadline = Date.now() + maxMillis
  let deleted: Deleted = Object.fromEntries(totalsOf(house).map((total) => [total, 0]))
  let size = batch_size
  for (const prepare of house.beforeCleanup) {
    const isReady = await prepare(db, cutoffs.cutoff.slice(0, 10), deadline)
    if (!isReady) return { deleted, complete: false, rest: { retention_days, batch_size } }
  }
  let failures = 0
  for (let batches = 0; batches < MAX_BATCHES && Date.now() < deadline; batches += 1) {
    try {
      const batch = await deleteBatch(db, house, cutoffs, size)
      if (Object.values(batch).every((count) => count === 0)) return { deleted, complete: true, rest: { retention_days, batch_size: size } }
      deleted = sum(deleted, batch)
    } catch (error) {
      failures += 1
      if (failures > MAX_FAILURES) throw error
      size = Math.ceil(size / 10)
    }
  }
  return { deleted, complete: false, rest: { retention_days, batch_size: size } }
}

const sum = (left: Deleted, right: Deleted): Deleted =>
  Object.fromEntries(Object.entries(left).map(([total, count]) => [total, count + (right[total] ?? 0)]))
