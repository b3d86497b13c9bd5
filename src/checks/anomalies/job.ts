import { z } from 'zod'
import type { RunJob } from '../../jobs/job.ts'
import { detectAnomalies } from './detection.ts'
import { acceptLevel } from './queries.ts'
import { finishAsNormal, recordAnomaliesAndFinish } from './record.ts'

const payload = z.object({ pipeline_id: z.int(), pipeline_execution_id: z.int() })

/** The `detect_anomalies` job. It runs after an execution succeeded, if the pipeline has an active rule. */
export const detectAnomaliesJob: RunJob = async (job, { db, now, clock }) => {
  const { pipeline_id, pipeline_execution_id } = payload.parse(job.payload)
  const detection = await detectAnomalies(db, pipeline_id, pipeline_execution_id)
  if (detection && detection.anomalies.length > 0) {
    const jobIds = await recordAnomaliesAndFinish(db, job, detection, now, clock())
    // If this is lost, the next flag accepts the level.
    for (const id of detection.acceptedRuleIds) jobIds.push(...(await acceptLevel(db, id, 'auto', now)).jobIds)
    return jobIds
  }
  // Nothing is wrong, or cleanup has deleted the execution.
  const subject = { pipeline_id, execution_id: pipeline_execution_id, cleanRuleIds: detection?.cleanRuleIds ?? [] }
  return finishAsNormal(db, job, subject, now, clock())
}
