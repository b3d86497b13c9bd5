import { CRONS } from '../../jobs/crons.ts'
import type { Feature } from '../feature.ts'
import { countDays } from './count.ts'
import { countDaysJob } from './job.ts'

/** Statements before a cleanup: it has other calls to make. */
const MAX_STEPS = 6

/** What reports read: the runs of each pipeline, counted by day. */
export const pipelineDays: Feature = {
  jobs: { count_days: () => countDaysJob },
  sweeps: [{ cron: CRONS.quarterHourly, kind: 'count_days', payload: () => ({}) }],
  // A run may go when its day has counted it.
  beforeCleanup: (db, lastDay, deadlineMillis) =>
    countDays(db, { lastDay, maxSteps: MAX_STEPS, mayBegin: () => Date.now() < deadlineMillis }),
}
