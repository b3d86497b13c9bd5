import { addressTypes } from './address-types/index.ts'
import { addresses } from './addresses/index.ts'
import { executions } from './executions/index.ts'
import type { Feature } from './feature.ts'
import { health } from './health/index.ts'
import { lineage } from './lineage/index.ts'
import { logCleanup } from './log-cleanup/index.ts'
import { metrics } from './metrics/index.ts'
import { monitoring } from './monitoring/index.ts'
import { pipelineActivity } from './pipeline-activity/index.ts'
import { pipelineDays } from './pipeline-days/index.ts'
import { pipelineTypes } from './pipeline-types/index.ts'
import { pipelines } from './pipelines/index.ts'
import { schedules } from './schedules/index.ts'
import { watermarks } from './watermarks/index.ts'

/** Every feature, in the order of the docs page. */
export const features: readonly Feature[] = [
  pipelines,
  executions,
  schedules,
  watermarks,
  pipelineTypes,
  addresses,
  addressTypes,
  lineage,
  pipelineDays,
  pipelineActivity,
  logCleanup,
  monitoring,
  metrics,
  health,
]
