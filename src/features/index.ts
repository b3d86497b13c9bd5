import { addressTypes } from './address-types/routes.ts'
import { addresses } from './addresses/routes.ts'
import { anomalies } from './anomalies/routes.ts'
import { diagnostics } from './diagnostics/routes.ts'
import { executions } from './executions/routes.ts'
import type { Feature } from './feature.ts'
import { freshness } from './freshness/routes.ts'
import { health } from './health/routes.ts'
import { lineage } from './lineage/routes.ts'
import { lineageGraph } from './lineage-graph/routes.ts'
import { logCleanup } from './log-cleanup/routes.ts'
import { metrics } from './metrics/routes.ts'
import { monitoring } from './monitoring/routes.ts'
import { overview } from './overview/routes.ts'
import { pipelinePage } from './pipeline-page/routes.ts'
import { pipelineTypes } from './pipeline-types/routes.ts'
import { pipelines } from './pipelines/routes.ts'
import { reporting } from './reporting/routes.ts'
import { timeliness } from './timeliness/routes.ts'

/** Every feature, in the order of the docs page. */
export const features: Feature[] = [
  pipelines,
  executions,
  pipelineTypes,
  addresses,
  addressTypes,
  lineage,
  timeliness,
  freshness,
  anomalies,
  logCleanup,
  monitoring,
  metrics,
  overview,
  pipelinePage,
  lineageGraph,
  reporting,
  diagnostics,
  health,
]
