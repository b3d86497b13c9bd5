import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { stringifyJson } from '../../core/json.ts'
import { once } from '../../core/once.ts'
import type { Database } from '../../db/client.ts'
import { FUNCTIONS } from '../../db/functions.ts'
import { decimal, jsonText, moment, readIds, text, whole } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { notifyJobAfter } from '../../incidents/notify-job.ts'
import { claimedJob, finishedJob, finishing } from '../../jobs/claim.ts'
import type { ClaimedJob } from '../../jobs/job.ts'
import { findings, NAMES, sweepStatement, TOLD } from '../sweep.ts'
import { anomalyCheck, RESULT_COLUMNS } from './check.ts'
import type { Detection } from './detection.ts'
import { anomalyDetectionResult, anomalyDetectionRule } from './table.ts'

const CLAIMED = sql.raw('claimed')

/**
 * Records the findings of a request, which holds no job. Returns every finding as stored, also one that was recorded
 * earlier, and the id of the job that tells people.
 */
const RECORD = once(() =>
  prepare(sql`
    with ${CLAIMED} as (select),
    ${findings(anomalyCheck, CLAIMED)},
    stored as (
      select ${RESULT_COLUMNS} from ${NAMES.logged}
      union all
      select ${RESULT_COLUMNS} from ${anomalyDetectionResult}
      where pipeline_execution_id = ${param('execution_id')}::bigint and rule_id in (select subject from ${NAMES.found}))
    select stored.*, r.pipeline_id, r.metric_field, null::bigint as job_id from stored join ${anomalyDetectionRule} r on r.id = stored.rule_id
    union all
    select null, null, null, null, null, null, null, null, null, null, null, null, id from ${TOLD} where id is not null
    order by 1 nulls last`),
)

const storedRow = z.object({
  id: whole.nullable(),
  pipeline_execution_id: whole.nullable(),
  rule_id: whole.nullable(),
  violation_value: decimal.nullable(),
  baseline_value: decimal.nullable(),
  deviation_percentage: decimal.nullable(),
  confidence_score: decimal.nullable(),
  context: jsonText.nullable(),
  explanation: text.nullable(),
  detected_at: moment.nullable(),
  pipeline_id: whole.nullable(),
  metric_field: text.nullable(),
  job_id: whole.nullable(),
})

const valuesOf = ({ executionId, anomalies, cleanRuleIds }: Detection, now: string) => ({
  execution_id: executionId,
  clean: `{${cleanRuleIds.join(',')}}`,
  anomalies: stringifyJson(anomalies),
  now,
})

/** Records the findings of a request. Returns them in the order of their ids, and the ids of the jobs to send. */
export const recordAnomalies = async (db: Database, detection: Detection, now: string) => {
  const values = valuesOf(detection, now)
  let rows = await db.rows(RECORD(), storedRow, values)
  // Another request has just recorded a finding that this statement could not see. The next statement sees it.
  if (rows.filter(({ id }) => id !== null).length < detection.anomalies.length)
    rows = rows.concat(await db.rows(RECORD(), storedRow, values))
  const results = new Map(rows.filter(({ id }) => id !== null).map(({ job_id: _job, ...result }) => [result.id, result]))
  const inOrder = [...results.values()].sort((left, right) => Number(left.id) - Number(right.id))
  return { results: inOrder, jobIds: rows.flatMap(({ job_id }) => (job_id === null ? [] : [job_id])) }
}

const RECORD_AND_FINISH = once(() => sweepStatement(anomalyCheck))

/** Records the findings of a job and ends the job. Returns the ids of the jobs to send. */
export const recordAnomaliesAndFinish = (
  db: Database,
  claimed: ClaimedJob,
  detection: Detection,
  now: string,
  finishedAt: string,
): Promise<number[]> => readIds(db, RECORD_AND_FINISH(), { ...finishing(claimed, finishedAt), ...valuesOf(detection, now) })

const FINISHED = sql.raw('finished')
const SETTLED = sql.raw('settled')
const FINISH_AS_NORMAL = once(() =>
  prepare(sql`
    with ${claimedJob(CLAIMED)},
    ${SETTLED} as materialized (
      select from ${CLAIMED} where ${sql.raw(FUNCTIONS.settle_anomalies)}(p_pipeline_id => ${param('pipeline_id')}, p_execution_id => ${param('execution_id')},
        p_clean_ids => ${param('clean')}::bigint[], p_text => 'Run ' || ${param('execution_id')}::bigint || ' is normal', p_now => ${NAMES.now})),
    ${notifyJobAfter(TOLD, [SETTLED], NAMES.now)},
    ${finishedJob(FINISHED, { claim: CLAIMED, work: SETTLED })}
    select id from ${TOLD} where id is not null`),
)

/** Ends a job that found nothing, and resolves the incident of earlier runs if these rules end it. Returns the ids of the jobs to send. */
export const finishAsNormal = (
  db: Database,
  claimed: ClaimedJob,
  subject: { pipeline_id: number; execution_id: number; cleanRuleIds: readonly number[] },
  now: string,
  finishedAt: string,
): Promise<number[]> => {
  const { cleanRuleIds, ...ids } = subject
  return readIds(db, FINISH_AS_NORMAL(), { ...finishing(claimed, finishedAt), ...ids, clean: `{${cleanRuleIds.join(',')}}`, now })
}
