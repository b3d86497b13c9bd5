import { sql } from 'drizzle-orm'
import { CRONS } from '../../jobs/crons.ts'
import type { Feature } from '../feature.ts'
import { pipeline } from '../pipelines/table.ts'
import { checkSchedules } from './job.ts'
import { missed } from './missed.ts'
import { routes } from './routes.ts'

/** Runs that should start at some times, and whether they did. The schedule itself is a setting of the pipeline. */
export const schedules: Feature = {
  tags: [{ name: 'Schedules', description: 'When runs are expected to start. A run that does not is missed.' }],
  routes,
  incidents: [missed],
  jobs: { check_schedules: () => checkSchedules },
  sweeps: [{ cron: CRONS.quarterHourly, kind: 'check_schedules', payload: () => ({}) }],
  deadlines: { job: 'check_schedules', upTo: (until) => sql`select check_at as at from ${pipeline} where active and check_at <= ${until}` },
}
