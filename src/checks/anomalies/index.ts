import type { Check } from '../check.ts'
import { type AnomalousRun, anomalyCheck } from './check.ts'
import { detectAnomaliesJob } from './job.ts'
import { routes } from './routes.ts'
import { DEVIATION_DIRECTIONS } from './schemas.ts'

export const anomalies: Check<AnomalousRun> = {
  ...anomalyCheck,
  tags: [{ name: 'Anomaly detection', description: 'Rules that say when a load is not normal, and what they have found.' }],
  enums: () => ({ DeviationDirection: DEVIATION_DIRECTIONS }),
  routes,
  jobs: { detect_anomalies: () => detectAnomaliesJob },
}
