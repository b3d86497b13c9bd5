import type { Feature } from '../feature.ts'
import { watermarkIncident } from './incident.ts'

/** Whether watermarks move as they should. The setting is the pipeline's, the judge (judge.sql) works at the end of a run. */
export const watermarks: Feature = { incidents: [watermarkIncident] }
