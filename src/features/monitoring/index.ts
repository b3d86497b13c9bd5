import { JOB_STATES } from '../../jobs/table.ts'
import type { Feature } from '../feature.ts'
import { queueAlert } from './alert.ts'
import { queue } from './backlog.ts'
import { judgeDeliveries } from './deliveries.ts'
import { measureQueueDepth } from './queue-depth.ts'
import { routes } from './routes.ts'

export const monitoring: Feature = {
  tags: [{ name: 'Monitoring', description: 'Background jobs: which wait, which failed, and how to replay them.' }],
  enums: ({ jobKinds }) => ({ JobKind: jobKinds, JobState: JOB_STATES }),
  routes,
  watches: [(house) => async (db, now) => (await measureQueueDepth(db, house, now)).alertJobIds, () => judgeDeliveries],
  alerts: [queueAlert],
  incidents: [queue],
}
