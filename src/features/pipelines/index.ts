import type { Feature } from '../feature.ts'
import { routes } from './routes.ts'

export const pipelines: Feature = {
  tags: [{ name: 'Pipelines', description: 'What runs: each pipeline with its watermark and thresholds.' }],
  routes,
}
