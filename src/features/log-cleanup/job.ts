import { z } from 'zod'
import { RETENTION_DAYS } from '../../core/bounds.ts'
import { finishJob } from '../../jobs/claim.ts'
import { finishAndContinue } from '../../jobs/continue.ts'
import type { RunJob } from '../../jobs/job.ts'
import type { House } from '../feature.ts'
import { cleanLogs } from './clean.ts'
import { BATCH_SIZE } from './schemas.ts'

const payload = z.object({ retention_days: z.int().min(RETENTION_DAYS.min), batch_size: z.int().min(1).default(BATCH_SIZE) })

/** Much shorter than a claim holds (five minutes). */
const MAX_MILLIS = 60_000

/** The `clean_logs` job. If it is not complete, it records another job that continues. */
export const cleanLogsJob =
  (house: House): RunJob =>
  async (job, { settings, db, now, clock }) => {
    const limits = { now, dayRetentionDays: settings.WATCHER_DAY_RETENTION_DAYS, maxMillis: MAX_MILLIS }
    const { complete, rest } = await cleanLogs(db, house, payload.parse(job.payload), limits)
    if (!complete) return finishAndContinue(db, job, { ...rest }, now, clock())
    await finishJob(db, job, clock())
    return []
  }
