import type { Feature } from '../feature.ts'
import { routes } from './routes.ts'

export const executions: Feature = {
  tags: [{ name: 'Executions', description: 'Each run: start, end, metrics, parents and children.' }],
  routes,
}
