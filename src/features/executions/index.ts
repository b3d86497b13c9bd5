import type { Feature } from '../feature.ts'
import { failed } from './failed.ts'
import { routes } from './routes.ts'
import { EXECUTION_STATUSES } from './schemas.ts'

export const executions: Feature = {
  tags: [{ name: 'Executions', description: 'The runs of pipelines: start, end, metrics, and nested runs.' }],
  enums: () => ({ ExecutionStatus: EXECUTION_STATUSES }),
  routes,
  incidents: [failed],
}
