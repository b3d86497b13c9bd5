import { JOB_STATES } from '../../jobs/table.ts'
import type { Feature } from '../feature.ts'
import { queueAlert } from './alert.ts'
import { measureQueueDepth } from './queue-depth.ts'
import { routes } from './routes.ts'

export const monitoring: Feature = {
  tags: [{ name: 'Monitoring', description: 'The background jobs: what waits, what failed, and how to replay it.' }],
  enums: ({ jobKinds }) => ({ JobKind: jobKinds, JobState: JOB_STATES }),
  routes,
  watch: (house) => async (db, now) => (await measureQueueDepth(db, house, now)).alertJobIds,
  alerts: [queueAlert],
}
