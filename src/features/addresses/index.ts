import type { Feature } from '../feature.ts'
import { routes } from './routes.ts'

export const addresses: Feature = {
  tags: [{ name: 'Addresses', description: 'Where data lives: tables, bucket paths, API endpoints, topics.' }],
  routes,
}
