import { sql } from 'drizzle-orm'
import { CRONS } from '../../jobs/crons.ts'
import type { Check } from '../check.ts'
import { sweepJob } from '../sweep.ts'
import { freshnessCheck, type StalePipeline } from './check.ts'
import { routes } from './routes.ts'

export const freshness: Check<StalePipeline> = {
  ...freshnessCheck,
  routes,
  jobs: { check_freshness: () => sweepJob(freshnessCheck, { jobKind: 'check_freshness', payload: () => sql`'{}'::jsonb` }) },
  sweeps: [{ cron: CRONS.hourly, kind: 'check_freshness', payload: () => ({}) }],
}
