import { CRONS } from '../../jobs/crons.ts'
import type { Feature } from '../feature.ts'
import { cleanLogsJob } from './job.ts'
import { routes } from './routes.ts'

export const logCleanup: Feature = {
  tags: [{ name: 'Log cleanup', description: 'Deletes executions, logs and jobs older than the retention.' }],
  routes,
  jobs: { clean_logs: cleanLogsJob },
  sweeps: [{ cron: CRONS.daily, kind: 'clean_logs', payload: (settings) => ({ retention_days: settings.WATCHER_LOG_RETENTION_DAYS }) }],
}
