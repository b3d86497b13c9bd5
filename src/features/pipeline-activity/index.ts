import { CRONS } from '../../jobs/crons.ts'
import type { Feature } from '../feature.ts'
import { keepActivity } from './job.ts'

/** What metrics and lists say about the latest runs of each pipeline, without reading the history. */
export const pipelineActivity: Feature = {
  jobs: { keep_activity: () => keepActivity },
  sweeps: [{ cron: CRONS.quarterHourly, kind: 'keep_activity', payload: () => ({}) }],
}
