import type { Feature } from '../feature.ts'
import { completeClosureJob } from './job.ts'
import { routes } from './routes.ts'
import { DIRECTIONS } from './schemas.ts'

export const lineage: Feature = {
  tags: [{ name: 'Lineage', description: 'Which addresses are made from which other addresses.' }],
  enums: () => ({ LineageDirection: DIRECTIONS }),
  routes,
  jobs: { complete_closure: () => completeClosureJob },
}
