import type { Feature } from '../feature.ts'
import { routes } from './routes.ts'

export const addressTypes: Feature = {
  tags: [{ name: 'Address types', description: 'What kinds of places there are.' }],
  routes,
}
