import type { Settings } from '../../env.ts'
import { CRONS } from '../../jobs/crons.ts'
import type { Check } from '../check.ts'
import { type LateRun, lateFrom, timelinessCheck } from './check.ts'
import { checkTimeliness } from './job.ts'
import { routes } from './routes.ts'
import { RUN_STATUSES } from './schemas.ts'

const payload = (settings: Settings) => ({ lookback_minutes: settings.WATCHER_TIMELINESS_CHECK_LOOKBACK_MINUTES })

export const timeliness: Check<LateRun> = {
  ...timelinessCheck,
  tags: [{ name: 'Timeliness and freshness', description: 'Late runs, which take too long, and stale pipelines, whose data is too old.' }],
  enums: () => ({ LateRunStatus: RUN_STATUSES }),
  routes,
  jobs: { check_timeliness: () => checkTimeliness },
  deadlines: { job: 'check_timeliness', payload, upTo: lateFrom },
  sweeps: [
    {
      cron: CRONS.quarterHourly,
      kind: 'check_timeliness',
      payload,
    },
  ],
}
