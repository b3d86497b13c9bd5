import { finishJob } from '../../jobs/claim.ts'
import { finishAndContinue } from '../../jobs/continue.ts'
import type { RunJob } from '../../jobs/job.ts'
import { countableAt, countDays } from './count.ts'

/** Much shorter than a claim holds (five minutes), and at most this many statements: a free plan allows 50. */
const MAX_MILLIS = 60_000
const MAX_STEPS = 40

/** The `count_days` job. If it is not complete, it records another job that goes on. */
export const countDaysJob: RunJob = async (job, { db, now, clock }) => {
  const deadline = Date.now() + MAX_MILLIS
  const isComplete = await countDays(db, { ...countableAt(now), maxSteps: MAX_STEPS, mayBegin: () => Date.now() < deadline })
  if (!isComplete) return finishAndContinue(db, job, {}, now, clock())
  await finishJob(db, job, clock())
  return []
}
