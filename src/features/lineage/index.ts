import type { Feature } from '../feature.ts'
import { routes } from './routes.ts'

export const lineage: Feature = {
  tags: [{ name: 'Lineage', description: 'Which address is made from which.' }],
  routes,
}
