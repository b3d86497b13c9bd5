import { and, eq, getTableColumns, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { ApiError } from '../../core/errors.ts'
import { givenIn } from '../../core/given.ts'
import type { Database } from '../../db/client.ts'
import { FUNCTIONS } from '../../db/functions.ts'
import { finding, listing } from '../../db/json-list.ts'
import { moment, truth, whole } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { createdRow, untilRow } from '../../db/until-row.ts'
import { pipelineExecution } from '../../features/executions/table.ts'
import type { Target } from '../../http/patch.ts'
import { notifyJobAfter } from '../../incidents/notify-job.ts'
import { incident } from '../../incidents/table.ts'
import { metricOf, ratioTable } from './baseline.ts'
import { LEVEL_RUNS } from './level.ts'
import { METHODS, type MethodName } from './methods/index.ts'
import type { RulePost } from './schemas.ts'
import { anomalyDetectionResult, anomalyDetectionRule } from './table.ts'

/** A rule that gets another method than it has gets its defaults too, where nothing else is given. Its multiplier stays. */
const withDefaults = ({ method, ...changes }: Partial<typeof anomalyDetectionRule.$inferInsert>) => {
  if (method === undefined) return changes
  const { min_change_percent, season } = METHODS[method as MethodName].defaults
  const orPresent = (
    column: typeof anomalyDetectionRule.season | typeof anomalyDetectionRule.min_change_percent,
    initially: string | number,
  ) => sql`case when ${anomalyDetectionRule.method} = ${method} then ${column} else ${sql.param(initially, column)} end`
  return {
    method,
    min_change_percent: orPresent(anomalyDetectionRule.min_change_percent, min_change_percent),
    season: orPresent(anomalyDetectionRule.season, season),
    ...changes,
  }
}

/** Creates the rule, or finds the pipeline's rule for that metric. An unknown pipeline violates the foreign key. */
export const createOrGetRule = (db: Database, { pipeline_id, metric_field, ...settings }: RulePost, now: string) => {
  const { min_change_percent, season, std_deviation_threshold_multiplier } = METHODS[settings.method ?? 'zscore'].defaults
  const given = Object.entries({ min_change_percent, season, std_deviation_threshold_multiplier, ...givenIn(settings) })
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
    .set({ ...withDefaults(changes), updated_at: now })
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

/**
 * CTEs after `deleted`, which has deleted flags of the pipeline `pipelineId`: they resolve its incident if no flag is left of what it is about, and
 * record the job that tells people (`told`).
 */
const resolvedAfter = (pipelineId: SQL, words: SQL): SQL => sql`
  ${RESOLVED} as (
    select ${sql.raw(FUNCTIONS.resolve_incident)}(p_id => i.id, p_by => ${param('by')}, p_text => ${words}, p_now => ${NOW})
    from ${incident} i
    where i.pipeline_id = ${pipelineId} and i.kind = 'anomaly' and i.resolved_at is null and exists (select from deleted) and not exists (
      select from ${anomalyDetectionResult} f join ${anomalyDetectionRule} r on r.id = f.rule_id
      join ${pipelineExecution} e on e.id = f.pipeline_execution_id
      where r.pipeline_id = i.pipeline_id and r.active and f.detected_at >= i.detected_at and f.id not in (select id from deleted)
        and (r.clean_end is null or (e.end_date, e.id) > (r.clean_end, r.clean_id)))),
  ${notifyJobAfter(TOLD, [RESOLVED], NOW)}`

const UNFLAG = prepare(sql`
  with deleted as (
    delete from ${anomalyDetectionResult} result using ${anomalyDetectionRule} r
    where r.id = result.rule_id and r.pipeline_id = ${param('pipeline_id')} and r.metric_field = any(${param('metrics')}::text[])
      and result.pipeline_execution_id = ${param('execution_id')}
    returning result.id),
  ${resolvedAfter(sql`${param('pipeline_id')}`, sql`'Unflagged: the load was normal'`)}
  select (select count(*) from deleted)::text as count, (select id::text from ${TOLD}) as job_id`)

/** A level is looked for among the newest runs only. */
const MAX_LEVEL_RUNS = sql.raw('2000')

/** level.ts in SQL: the last runs, back to the first that is not flagged on the side of the newest. */
const ACCEPT = prepare(sql`
  with subject as (select * from ${anomalyDetectionRule} where id = ${param('id')} for update),
  run as (
    select e.* from ${pipelineExecution} e join subject on e.pipeline_id = subject.pipeline_id
    where e.completed_successfully order by e.start_date desc limit ${MAX_LEVEL_RUNS}),
  ${ratioTable({
    pipelineId: sql`(select pipeline_id from subject)`,
    ids: sql`select id from run`,
    asked: sql`(select metric_field from subject) = 'rows_ratio'`,
  })},
  newest as (
    select e.id, e.start_date, e.end_date, f.id as flag, f.context ->> 'direction' as direction,
      row_number() over (order by e.end_date desc, e.id desc) as place
    from run e
    cross join subject left join ${anomalyDetectionResult} f on f.rule_id = subject.id and f.pipeline_execution_id = e.id
    where ${metricOf(sql`subject.metric_field`, sql`e`)} is not null),
  level as (
    select * from newest where place < coalesce((
      select min(n.place) from newest n where n.direction is distinct from (select direction from newest where place = 1) or n.flag is null), 1e9)),
  accepted as (
    update ${anomalyDetectionRule} r set baseline_from = (select min(start_date) from level), updated_at = ${NOW}
    from subject where r.id = subject.id and (select count(*) from level) >= ${sql.raw(String(LEVEL_RUNS))} returning r.baseline_from),
  deleted as (
    delete from ${anomalyDetectionResult} f using level where f.id = level.flag and exists (select from accepted) returning f.id),
  ${resolvedAfter(sql`(select pipeline_id from subject)`, sql`'The new level is accepted'`)}
  select exists (select from subject) as is_known, (select baseline_from from accepted) as baseline_from, (select count(*) from deleted)::text as withdrawn,
    (select id::text from ${TOLD}) as job_id`)

export interface Accepted {
  outcome: 'accepted' | 'not new' | 'unknown'
  /** Since when runs count. */
  baselineFrom: string | null
  /** How many flags were withdrawn. */
  withdrawn: number
  jobIds: number[]
}

/**
 * Takes the level of the last runs as the new one, if at least five of them are flagged on one side: the rule's baseline begins with the first of
 * them, and their flags go.
 */
export const acceptLevel = async (db: Database, id: number, by: string, now: string): Promise<Accepted> => {
  const shape = z.object({ is_known: truth, baseline_from: moment.nullable(), withdrawn: whole, job_id: whole.nullable() })
  const [row] = await db.rows(ACCEPT, shape, { id, by, now })
  if (!row) throw new Error('expected one row')
  const outcome = !row.is_known ? 'unknown' : row.baseline_from === null ? 'not new' : 'accepted'
  return { outcome, baselineFrom: row.baseline_from, withdrawn: row.withdrawn, jobIds: row.job_id === null ? [] : [row.job_id] }
}

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
