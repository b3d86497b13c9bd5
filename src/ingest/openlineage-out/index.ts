import type { Feature } from '../../features/feature.ts'
import { sendOpenlineage } from './job.ts'

/** Tells another service, like Marquez, of every run that did not come from OpenLineage itself. */
export const openlineageOut: Feature = {
  jobs: { send_openlineage: () => sendOpenlineage },
}
