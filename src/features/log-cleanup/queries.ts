import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { addSeconds } from '../../core/instant.ts'
import { stringifyJson } from '../../core/json.ts'
import type { Database } from '../../db/client.ts'
import { readIds, whole } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { finishedAfter, finishing, held } from '../../jobs/claim.ts'
import type { ClaimedJob } from '../../jobs/job.ts'
import { insertJob } from '../../jobs/record.ts'
import { job, jobKinds } from '../../jobs/table.ts'
import { anomalyDetectionResult } from '../anomalies/table.ts'
import { pipelineExecution, pipelineExecutionClosure } from '../executions/table.ts'
import { freshnessPipelineLog } from '../freshness/table.ts'
import { timelinessPipelineExecutionLog } from '../timeliness/table.ts'

/**
 * One batch, one transaction: at most `batch_size` executions, freshness logs and jobs, with what hangs on the executions.
 * An execution goes when it is old, has ended and has no child: parents follow in a later batch once their children are
 * gone, and one with a young or running descendant keeps one child, so it stays. Index Scan on start_date, oldest first.
 * Rows that another cleanup has in hand are passed over (`skip locked`). Nobody can start a child below one that is locked
 * here; a child that is committed just before the lock makes the foreign key refuse the batch, and the next one sees it.
 * The foreign keys would cascade by themselves; deleting what hangs on an execution here counts it.
 */
const DELETE_BATCH = prepare(sql`
  with leaf as (
    select e.id from ${pipelineExecution} e
    where e.start_date < ${param('cutoff')}::timestamptz and e.end_date is not null
      and not exists (select from ${pipelineExecution} child where child.parent_id = e.id)
    order by e.start_date, e.id
    limit ${param('batch_size')}::integer
    for update skip locked),
  late as (delete from ${timelinessPipelineExecutionLog} l using leaf where l.pipeline_execution_id = leaf.id returning l.id),
  anomalous as (delete from ${anomalyDetectionResult} a using leaf where a.pipeline_execution_id = leaf.id returning a.id),
  closure as (delete from ${pipelineExecutionClosure} c using leaf where c.descendant_id = leaf.id returning c.depth),
  execution as (delete from ${pipelineExecution} e using leaf where e.id = leaf.id returning e.id),
  old_log as (
    select id from ${freshnessPipelineLog} where last_dml_timestamp < ${param('cutoff')}::timestamptz
    order by last_dml_timestamp limit ${param('batch_size')}::integer for update skip locked),
  stale as (delete from ${freshnessPipelineLog} f using old_log where f.id = old_log.id returning f.id),
  old_job as (
    select id from ${job} where kind = any(${jobKinds}) and finished_at < ${param('cutoff')}::timestamptz
    limit ${param('batch_size')}::integer for update skip locked),
  done as (delete from ${job} j using old_job where j.id = old_job.id returning j.id)
  select (select count(*) from execution) as total_pipeline_executions_deleted,
    (select count(*) from late) as total_timeliness_pipeline_execution_logs_deleted,
    (select count(*) from anomalous) as total_anomaly_detection_results_deleted,
    (select count(*) from closure) as total_pipeline_execution_closures_deleted,
    (select count(*) from stale) as total_freshness_pipeline_logs_deleted,
    (select count(*) from done) as total_jobs_deleted`)

const deletedRow = z.object({
  total_pipeline_executions_deleted: whole,
  total_timeliness_pipeline_execution_logs_deleted: whole,
  total_anomaly_detection_results_deleted: whole,
  total_pipeline_execution_closures_deleted: whole,
  total_freshness_pipeline_logs_deleted: whole,
  total_jobs_deleted: whole,
})

/** How many rows of each table are gone. */
export type Deleted = z.output<typeof deletedRow>

/** Deletes one batch of what lies before the cutoff. */
export const deleteBatch = async (db: Database, cutoff: string, batchSize: number): Promise<Deleted> => {
  const [row] = await db.rows(DELETE_BATCH, deletedRow, { cutoff, batch_size: batchSize })
  if (!row) throw new Error('the counts are one row')
  return row
}

/** The moment before which things are old. */
export const cutoffOf = (now: string, retentionDays: number): string => addSeconds(now, -retentionDays * 24 * 60 * 60)

const FINISH_AND_CONTINUE = prepare(sql`
  with ${held},
  continued as (
    ${insertJob('clean_logs', sql`${param('payload')}::jsonb`)}
    where exists (select from held)
    returning id),
  ${finishedAfter('continued')}
  select id from continued`)

/** Ends a cleanup job that has more to do, and records the job that goes on. Answers it, to be sent. */
export const finishAndContinue = (
  db: Database,
  claimed: ClaimedJob,
  payload: Record<string, unknown>,
  now: string,
  finishedAt: string,
): Promise<number[]> => readIds(db, FINISH_AND_CONTINUE, { ...finishing(claimed, finishedAt), payload: stringifyJson(payload), now })
