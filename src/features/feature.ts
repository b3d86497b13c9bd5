import type { Router } from '../http/router.ts'
import type { JobKind, RunJob } from '../jobs/job.ts'
import type { Sweep, Watch } from '../jobs/schedule.ts'

/** What a feature brings; `index.ts` lists them all. */
export interface Feature {
  /** Registers the feature's endpoints. */
  routes?: (router: Router) => void
  /** Runs the feature's kinds of jobs. */
  jobs?: Partial<Record<JobKind, RunJob>>
  /** The jobs that Cron Triggers ask for. */
  sweeps?: Sweep[]
  /** What is looked at with every quarter-hourly tick. */
  watch?: Watch
}
