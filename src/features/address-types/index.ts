import type { Feature } from '../feature.ts'
import { routes } from './routes.ts'

export const addressTypes: Feature = {
  tags: [{ name: 'Address types', description: 'The kinds of addresses, in groups such as `database` or `bucket`.' }],
  routes,
}
