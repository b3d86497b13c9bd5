import { and, eq, getTableColumns, sql } from 'drizzle-orm'
import { z } from 'zod'
import { ApiError } from '../../core/errors.ts'
import type { Database } from '../../db/client.ts'
import { FUNCTIONS } from '../../db/functions.ts'
import { finding, listing } from '../../db/json-list.ts'
import { whole } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { createdRow, untilRow } from '../../db/until-row.ts'
import { pipelineExecution } from '../../features/executions/table.ts'
import type { Target } from '../../http/patch.ts'
import { notifyJobAfter } from '../../incidents/notify-job.ts'
import { incident } from '../../incidents/table.ts'
import type { RulePost } from './schemas.ts'
import { anomalyDetectionResult, anomalyDetectionRule } from './table.ts'

/** Creates the rule, or finds the pipeline's rule for that metric. An unknown pipeline violates the foreign key. */
export const createOrGetRule = (db: Database, { pipeline_id, metric_field, ...settings }: RulePost, now: string) => {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined)
  const columns = given.map(([column]) => sql`, ${sql.identifier(column)}`)
  const values = given.map(([, value]) => sql`, ${value}`)
  return untilRow(() =>
    db.rows(
      sql`
        with found as (select id from ${anomalyDetectionRule} where pipeline_id = ${pipeline_id} and metric_field = ${metric_field}),
        created as (
          insert into ${anomalyDetectionRule} (pipeline_id, metric_field, created_at${sql.join(columns)})
          select ${pipeline_id}, ${metric_field}, ${now}::timestamptz${sql.join(values)} where not exists (select from found)
          on conflict do nothing
          returning id)
        select 'created' as outcome, id from created union all select 'existing', id from found`,
      createdRow,
    ),
  )
}

/** The columns that clients see: without how far the rule has judged. */
const { judged_end: _end, judged_id: _id, clean_end: _cleanEnd, clean_id: _cleanId, ...answered } = getTableColumns(anomalyDetectionRule)

/** A page of rules in the order of their ids. */
export const listRules = listing<{ pipeline_id?: number; active?: boolean }>({
  table: anomalyDetectionRule,
  columns: answered,
  conditions: {
    pipeline_id: sql`${anomalyDetectionRule.pipeline_id} = ${param('pipeline_id')}`,
    active: sql`${anomalyDetectionRule.active} = ${param('active')}`,
  },
})

export const findRule = finding(anomalyDetectionRule, answered)

/**
 * Writes the given columns; undefined if there is no such rule. A rule that has flagged something keeps its pipeline and its
 * metric: otherwise its findings would change their meaning. A deactivated rule no longer keeps an incident open. Returns the row, and the
 * ids of the jobs to send. Throws ApiError `rule_has_results`.
 */
export const updateRule = async (db: Database, target: Target, changes: Partial<typeof anomalyDetectionRule.$inferInsert>, now: string) => {
  if (!('id' in target)) return undefined
  const { pipeline_id = null, metric_field = null, active } = changes
  const settled = sql`${sql.raw(FUNCTIONS.settle_anomalies)}(${anomalyDetectionRule.pipeline_id}, null, '{}', 'The rule was deactivated', ${now}::timestamptz)`
  const jobId = sql`case when ${settled} then ${sql.raw(FUNCTIONS.notify_job)}(${now}::timestamptz) end`
  const [row] = await db.orm
    .update(anomalyDetectionRule)
    .set({ ...changes, updated_at: now })
    .where(
      and(
        eq(anomalyDetectionRule.id, target.id),
        sql`(coalesce(${pipeline_id}::bigint, pipeline_id) = pipeline_id and coalesce(${metric_field}::text, metric_field) = metric_field
          or not exists (select from ${anomalyDetectionResult} where rule_id = ${anomalyDetectionRule.id}))`,
      ),
    )
    .returning({ ...answered, job_id: sql<string | null>`${active === false ? jobId : sql`null`}` })
  if (row) {
    const { job_id, ...changed } = row
    return { row: changed, jobIds: job_id === null ? [] : [Number(job_id)] }
  }
  if ((pipeline_id === null && metric_field === null) || !(await findRule(db, target.id))) return undefined
  throw new ApiError(
    'rule_has_results',
    `Rule ${target.id} has flagged anomalies, so its pipeline and metric cannot change: set active to false and create another rule`,
  )
}

/** A page of flagged anomalies in the order of their ids. */
export const listResults = listing<{
  pipeline_id?: number
  rule_id?: number
  pipeline_execution_id?: number
  detected_after?: string
}>({
  table: anomalyDetectionResult,
  columns: {
    ...getTableColumns(anomalyDetectionResult),
    pipeline_id: anomalyDetectionRule.pipeline_id,
    metric_field: anomalyDetectionRule.metric_field,
  },
  join: sql`join ${anomalyDetectionRule} on ${anomalyDetectionRule.id} = ${anomalyDetectionResult.rule_id}`,
  conditions: {
    pipeline_id: sql`${anomalyDetectionResult.rule_id} in (select id from ${anomalyDetectionRule} where pipeline_id = ${param('pipeline_id')})`,
    rule_id: sql`${anomalyDetectionResult.rule_id} = ${param('rule_id')}`,
    pipeline_execution_id: sql`${anomalyDetectionResult.pipeline_execution_id} = ${param('pipeline_execution_id')}`,
    detected_after: sql`${anomalyDetectionResult.detected_at} > ${param('detected_after')}`,
  },
})

const NOW = sql`${param('now')}::timestamptz`
const RESOLVED = sql.raw('resolved')
const TOLD = sql.raw('told')
const UNFLAG = prepare(sql`
  with deleted as (
    delete from ${anomalyDetectionResult} result using ${anomalyDetectionRule} r
    where r.id = result.rule_id and r.pipeline_id = ${param('pipeline_id')} and r.metric_field = any(${param('metrics')}::text[])
      and result.pipeline_execution_id = ${param('execution_id')}
    returning result.id),
  ${RESOLVED} as (
    select ${sql.raw(FUNCTIONS.resolve_incident)}(p_id => i.id, p_by => ${param('by')}, p_text => 'Unflagged: the load was normal', p_now => ${NOW})
    from ${incident} i
    where i.pipeline_id = ${param('pipeline_id')} and i.kind = 'anomaly' and i.resolved_at is null and exists (select from deleted) and not exists (
      select from ${anomalyDetectionResult} f join ${anomalyDetectionRule} r on r.id = f.rule_id
      join ${pipelineExecution} e on e.id = f.pipeline_execution_id
      where r.pipeline_id = i.pipeline_id and r.active and f.detected_at >= i.detected_at and f.id not in (select id from deleted)
        and (r.clean_end is null or (e.end_date, e.id) > (r.clean_end, r.clean_id)))),
  ${notifyJobAfter(TOLD, [RESOLVED], NOW)}
  select (select count(*) from deleted)::text as count, (select id::text from ${TOLD}) as job_id`)

/**
 * Deletes an execution's flags for these metrics, and resolves the pipeline's incident if no flag is left of what it is about. Returns
 * how many flags there were, and the ids of the jobs to send.
 */
export const deleteResults = async (
  db: Database,
  what: { pipeline_id: number; execution_id: number; metrics: readonly string[] },
  by: string,
  now: string,
): Promise<{ count: number; jobIds: number[] }> => {
  const values = { ...what, metrics: `{${what.metrics.join(',')}}`, by, now }
  const [row] = await db.rows(UNFLAG, z.object({ count: whole, job_id: whole.nullable() }), values)
  const { count, job_id } = row ?? { count: 0, job_id: null }
  return { count, jobIds: job_id === null ? [] : [job_id] }
}
