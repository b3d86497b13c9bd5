import { z } from 'zod'
import { formatInstant } from '../../core/instant.ts'
import type { RunJob } from '../../jobs/job.ts'
import { findWindowStart, recordOverdue } from './queries.ts'
import { LOOKBACK_MINUTES } from './schemas.ts'

/** How far to look back, or, in the job for the rest of a large sweep, from when on. */
const payload = z.object({ lookback_minutes: z.int().default(LOOKBACK_MINUTES), since: z.string().transform(formatInstant).optional() })

/** The `check_timeliness` job. */
export const checkTimeliness: RunJob = async (job, { db, now, clock }) => {
  const { since, lookback_minutes } = payload.parse(job.payload)
  return recordOverdue(db, job, since ?? (await findWindowStart(db, now, lookback_minutes)), now, clock())
}
