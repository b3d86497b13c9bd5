import type { RunJob } from '../../jobs/job.ts'
import { recordStale } from './queries.ts'

/** The `check_freshness` job. */
export const checkFreshness: RunJob = (job, { db, now, clock }) => recordStale(db, job, now, clock())
