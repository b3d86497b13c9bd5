import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Database } from '../../db/client.ts'
import { untilRow } from '../../db/config-as-code.ts'
import { truth } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { ApiError, bodyFault } from '../../http/errors.ts'
import { stringifyJson } from '../../http/json.ts'
import { job } from '../../jobs/table.ts'
import { anomalyDetectionRule } from '../anomalies/table.ts'
import { pipeline } from '../pipelines/table.ts'
import type { ExecutionEnd } from './schemas.ts'
import { pipelineExecution } from './table.ts'

const endedRow = z.object({
  found: truth,
  /** This call ended it. */
  ended: truth,
  /** The outcome it had before this call; null while it ran. */
  outcome_before: truth.nullable(),
  too_early: truth,
})

/**
 * Ends an execution in one statement: its metrics, and where it succeeded its pipeline's watermark and DML times, and
 * the anomaly job where the pipeline has an active rule. Ending it again with the same outcome changes nothing.
 * Throws ApiError: unknown execution, ended with the other outcome, end before start.
 */
export const endExecution = async (db: Database, body: ExecutionEnd, now: string): Promise<void> => {
  const succeeded = body.completed_successfully ?? true
  const values = {
    id: body.id,
    end_date: body.end_date ?? null,
    succeeded,
    inserts: body.inserts ?? null,
    updates: body.updates ?? null,
    soft_deletes: body.soft_deletes ?? null,
    total_rows: body.total_rows ?? null,
    metadata: body.execution_metadata ? stringifyJson(body.execution_metadata) : null,
    now,
  }
  const outcome = await untilRow(async () => {
    const rows = await db.rows(END, endedRow, values)
    // Running when we looked, ended by another call when we wrote: the next try sees with which outcome.
    return rows.filter(({ found, ended, outcome_before, too_early }) => !found || ended || outcome_before !== null || too_early)
  })
  if (!outcome.found) throw new ApiError('pipeline_execution_not_found', `Execution ${body.id} not found`)
  if (outcome.ended || outcome.outcome_before === succeeded) return
  if (outcome.outcome_before !== null) {
    const before = outcome.outcome_before ? 'succeeded' : 'failed'
    throw new ApiError('execution_already_ended', `Execution ${body.id} has already ended: it ${before}, and an outcome does not change`)
  }
  throw bodyFault('end_before_start', 'end_date', `end_date lies before the start_date of execution ${body.id}`)
}

const endStatement = (): SQL => {
  // Without an end_date the end is now; a client's clock may have put the start later than that.
  const endDate = sql`coalesce(${param('end_date')}::timestamptz, greatest(${param('now')}::timestamptz, e.start_date))`
  const duration = sql`floor(extract(epoch from ${endDate} - e.start_date))`
  const totalRows = sql`${param('total_rows')}::bigint`
  const metadata = sql`${param('metadata')}::jsonb`
  return sql`
    with subject as (select e.id, e.completed_successfully, ${endDate} < e.start_date as too_early from ${pipelineExecution} e where e.id = ${param('id')}),
    ended as (
      update ${pipelineExecution} e set
        end_date = ${endDate}, completed_successfully = ${param('succeeded')}, guards_start = false,
        inserts = ${param('inserts')}, updates = ${param('updates')}, soft_deletes = ${param('soft_deletes')},
        total_rows = ${totalRows}, duration_seconds = ${duration}, throughput = ${totalRows} / nullif(${duration}, 0),
        execution_metadata = case when ${metadata} is null then e.execution_metadata else coalesce(e.execution_metadata, '{}') || ${metadata} end
      where e.id = ${param('id')} and e.end_date is null and ${endDate} >= e.start_date
      returning e.id, e.pipeline_id, e.end_date, e.completed_successfully, e.next_watermark,
        e.inserts > 0 as has_inserts, e.updates > 0 as has_updates, e.soft_deletes > 0 as has_soft_deletes),
    -- Runs of one pipeline end in any order; the row is locked only for those that change it.
    advanced as (
      update ${pipeline} p set
        watermark = coalesce(e.next_watermark, p.watermark),
        last_target_insert = case when e.has_inserts then greatest(p.last_target_insert, e.end_date) else p.last_target_insert end,
        last_target_update = case when e.has_updates then greatest(p.last_target_update, e.end_date) else p.last_target_update end,
        last_target_soft_delete =
          case when e.has_soft_deletes then greatest(p.last_target_soft_delete, e.end_date) else p.last_target_soft_delete end,
        load_lineage = false
      from ended e
      where p.id = e.pipeline_id and e.completed_successfully
        and (p.load_lineage or coalesce(e.next_watermark, p.watermark) is distinct from p.watermark
          or e.has_inserts and e.end_date > coalesce(p.last_target_insert, '-infinity')
          or e.has_updates and e.end_date > coalesce(p.last_target_update, '-infinity')
          or e.has_soft_deletes and e.end_date > coalesce(p.last_target_soft_delete, '-infinity'))),
    detection as (
      insert into ${job} (kind, payload, created_at)
      select 'detect_anomalies', jsonb_build_object('pipeline_id', e.pipeline_id, 'pipeline_execution_id', e.id), ${param('now')}::timestamptz
      from ended e
      where e.completed_successfully
        and exists (select from ${anomalyDetectionRule} r where r.pipeline_id = e.pipeline_id and r.active))
    select s.id is not null as found, exists (select from ended) as ended, s.completed_successfully as outcome_before,
      coalesce(s.too_early, false) as too_early
    from (values (1)) always left join subject s on true`
}

const END = prepare(endStatement())
