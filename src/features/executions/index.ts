import type { Feature } from '../feature.ts'
import { routes } from './routes.ts'
import { EXECUTION_STATUSES } from './schemas.ts'

export const executions: Feature = {
  tags: [{ name: 'Executions', description: 'Each run: start, end, metrics, parents and children.' }],
  enums: () => ({ ExecutionStatus: EXECUTION_STATUSES }),
  routes,
}
