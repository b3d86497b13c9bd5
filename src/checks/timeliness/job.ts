import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { LOOKBACK_MINUTES } from '../../core/bounds.ts'
import { formatInstant } from '../../core/instant.ts'
import type { RunJob } from '../../jobs/job.ts'
import { sweepJob } from '../sweep.ts'
import { timelinessCheck } from './check.ts'
import { findWindowStart } from './queries.ts'

/** How far to look back; in the job for the rest of a large sweep, the start of the window. */
const payload = z.object({
  lookback_minutes: z.int().default(LOOKBACK_MINUTES.default),
  since: z.string().transform(formatInstant).optional(),
})

/** The `check_timeliness` job. */
export const checkTimeliness: RunJob = sweepJob(timelinessCheck, {
  jobKind: 'check_timeliness',
  values: async (job, { db, now }) => {
    const { since, lookback_minutes } = payload.parse(job.payload)
    return { since: since ?? (await findWindowStart(db, now, lookback_minutes)) }
  },
  payload: ({ value }) => sql`jsonb_build_object('since', ${value('since')}::timestamptz)`,
})
