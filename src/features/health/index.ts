import type { Feature } from '../feature.ts'
import { routes } from './routes.ts'

export const health: Feature = {
  tags: [{ name: 'Health', description: 'Whether the service is up.' }],
  routes,
}
