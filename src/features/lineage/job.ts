import { finishJob } from '../../jobs/claim.ts'
import { finishAndContinue } from '../../jobs/continue.ts'
import type { RunJob } from '../../jobs/job.ts'
import { completeStep } from './closure.ts'

/** Much shorter than a claim holds (five minutes); and at most this many round trips: a free plan allows 50. */
const MAX_MILLIS = 60_000
const MAX_STEPS = 40

/**
 * The `complete_closure` job: computes a pending closure step by step, each in a transaction of its own, so that other writers get
 * their turn. If it is not complete, it records another job that goes on. It may run twice at once: the steps take turns.
 */
export const completeClosureJob: RunJob = async (job, { db, now, clock }) => {
  const deadline = Date.now() + MAX_MILLIS
  for (let steps = 0; steps < MAX_STEPS && Date.now() < deadline; steps += 1) {
    if ((await completeStep(db)) > 0) continue
    await finishJob(db, job, clock())
    return []
  }
  return finishAndContinue(db, job, {}, now, clock())
}
