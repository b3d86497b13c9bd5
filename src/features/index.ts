import { addressTypes } from './address-types/routes.ts'
import { addresses } from './addresses/routes.ts'
import { anomalies } from './anomalies/routes.ts'
import { executions } from './executions/routes.ts'
import type { Feature } from './feature.ts'
import { health } from './health/routes.ts'
import { lineage } from './lineage/routes.ts'
import { pipelineTypes } from './pipeline-types/routes.ts'
import { pipelines } from './pipelines/routes.ts'

/** Every feature, in the order of the docs page. */
export const features: Feature[] = [pipelines, executions, pipelineTypes, addresses, addressTypes, lineage, anomalies, health]
