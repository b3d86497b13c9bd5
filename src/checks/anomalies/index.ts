import type { Check } from '../check.ts'
import { type AnomalousRun, anomalyCheck } from './check.ts'
import { detectAnomaliesJob } from './job.ts'
import { DEVIATION_DIRECTIONS } from './result-schemas.ts'
import { routes } from './routes.ts'
import { DIRECTIONS, SEASONS } from './rule.ts'
import { METHOD_NAMES } from './schemas.ts'

export const anomalies: Check<AnomalousRun> = {
  ...anomalyCheck,
  tags: [{ name: 'Anomaly detection', description: 'Rules that say which loads are normal, and the anomalies that they found.' }],
  enums: () => ({
    DeviationDirection: DEVIATION_DIRECTIONS,
    AnomalyMethod: METHOD_NAMES,
    AnomalyRuleDirection: DIRECTIONS,
    AnomalySeason: SEASONS,
  }),
  routes,
  jobs: { detect_anomalies: () => detectAnomaliesJob },
}
