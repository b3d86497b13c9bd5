import type { Feature } from '../../features/feature.ts'
import { routes } from './routes.ts'

/** Runs that are told by pings: the protocol of healthchecks. */
export const pings: Feature = {
  tags: [{ name: 'Pings', description: 'Runs of jobs that cannot call the API: a cron line, curl, any client of healthchecks.' }],
  routes,
}
