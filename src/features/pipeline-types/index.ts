import type { Feature } from '../feature.ts'
import { routes } from './routes.ts'

export const pipelineTypes: Feature = {
  tags: [{ name: 'Pipeline types', description: 'Groups of pipelines and the thresholds they share.' }],
  routes,
}
