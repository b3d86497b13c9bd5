import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { inMinutes } from '../../core/instant.ts'
import { FUNCTIONS } from '../../db/functions.ts'
import { amount, moment } from '../../db/rows.ts'
import { deadlineAfter, effectiveThreshold } from '../../db/thresholds.ts'
import { pipelineType } from '../../features/pipeline-types/table.ts'
import { pipeline } from '../../features/pipelines/table.ts'
import { inUnits } from '../../notifications/message.ts'
import { oneAlert } from '../../notifications/record.ts'
import type { Check } from '../check.ts'
import { freshnessAlert } from './alert.ts'
import { freshnessPipelineLog } from './table.ts'

const P = sql.raw('p')
const T = sql.raw('t')
const threshold = effectiveThreshold('freshness', { pipeline: P, type: T })

const evidence = z.object({
  pipeline_id: amount,
  pipeline_name: z.string(),
  /** The latest insert, update or soft delete; null: it has never loaded. */
  last_dml_timestamp: moment.nullable(),
  freshness_number: amount,
  freshness_datepart: z.string(),
  used_child_config: z.boolean(),
})
export type StalePipeline = z.output<typeof evidence>

/** Pipelines whose last change is older than their threshold, with that change; `more` is a further condition. */
const stale = (now: SQL, more = sql`true`) => sql`
  select ${P}.id as subject, ${P}.id as pipeline_id, ${deadlineAfter(sql`latest.dml`, threshold.number, threshold.datepart)} as since, latest.dml,
    jsonb_build_object('pipeline_id', ${P}.id, 'pipeline_name', ${P}.name, 'last_dml_timestamp', latest.dml,
      'freshness_number', ${threshold.number}, 'freshness_datepart', ${threshold.datepart}, 'used_child_config', ${threshold.isOwn}) as evidence
  from ${pipeline} ${P}
  join ${pipelineType} ${T} on ${T}.id = ${P}.pipeline_type_id
  cross join lateral (select greatest(${P}.last_target_insert, ${P}.last_target_update, ${P}.last_target_soft_delete) as dml) latest
  where ${threshold.isJudged} and latest.dml is not null and ${more}
    and ${deadlineAfter(sql`latest.dml`, threshold.number, threshold.datepart)} < ${now}`

/**
 * Pipelines with a threshold of their own that have never loaded, nor run well, since it was set. They have no last change, so they are
 * not logged.
 */
const neverLoaded = (now: SQL) => sql`
  select p.id as pipeline_id, ${deadlineAfter(sql`coalesce(p.freshness_from, p.created_at)`, sql`p.freshness_number`, sql`p.freshness_datepart`)} as since,
    jsonb_build_object('pipeline_id', p.id, 'pipeline_name', p.name, 'last_dml_timestamp', null,
      'freshness_number', p.freshness_number, 'freshness_datepart', p.freshness_datepart, 'used_child_config', true) as evidence
  from ${pipeline} p join ${pipelineType} t on t.id = p.pipeline_type_id
  where ${threshold.isJudged} and p.freshness_number is not null and coalesce(p.last_target_insert, p.last_target_update, p.last_target_soft_delete) is null
    and ${deadlineAfter(sql`coalesce(p.freshness_from, p.created_at)`, sql`p.freshness_number`, sql`p.freshness_datepart`)} < ${now}
    and not exists (select from ${sql.raw(FUNCTIONS.last_success)}(p.id) good where good.end_date >= coalesce(p.freshness_from, p.created_at))`

/**
 * Stale pipelines: the last insert, update or soft delete is older than the threshold of the pipeline or its type. A
 * pipeline is logged once per last change. The query reads every pipeline (Seq Scan): each has its own threshold, and there
 * are far fewer pipelines than executions.
 */
export const freshnessCheck: Check<StalePipeline> = {
  kind: 'freshness',
  badge: { word: 'stale', sign: '~', tone: 'stale' },
  incidentKind: 'stale',
  incidentTitle: 'Pipeline Stale',
  isDeadline: true,
  log: { table: freshnessPipelineLog, goesWith: freshnessPipelineLog.last_dml_timestamp },
  evidence: () => evidence,
  explain: ({ last_dml_timestamp, freshness_number, freshness_datepart }) => {
    const often = freshness_number === 1 ? freshness_datepart : inUnits(freshness_number, freshness_datepart)
    return `${last_dml_timestamp === null ? 'It has never loaded' : `No insert, update or delete since ${inMinutes(last_dml_timestamp)}`}; one is expected every ${often}`
  },
  alert: freshnessAlert,

  /** The pipeline stores which change was logged last: after cleanup deletes the log, that change is not found again. */
  wrong: ({ now }) => stale(now, sql`latest.dml is distinct from ${P}.freshness_logged_for`),

  logFound: ({ found, now }) => sql`
    insert into ${freshnessPipelineLog} (pipeline_id, last_dml_timestamp, evaluation_timestamp, freshness_number, freshness_datepart,
      used_child_config, created_at)
    select pipeline_id, (evidence ->> 'last_dml_timestamp')::timestamptz, ${now}, (evidence ->> 'freshness_number')::integer,
      evidence ->> 'freshness_datepart', (evidence ->> 'used_child_config')::boolean, ${now}
    from ${found}
    on conflict do nothing
    returning pipeline_id as subject`,

  alsoWrites: ({ found }) => sql`remembered as (
    update ${pipeline} p set freshness_logged_for = (${found}.evidence ->> 'last_dml_timestamp')::timestamptz
    from ${found} where p.id = ${found}.subject)`,

  alertPayloads: ({ found, logged, now }) =>
    oneAlert('freshness', now, logged, sql`select evidence as item from ${found} join ${logged} using (subject) order by subject`),

  wrongNow: (now) => sql`select pipeline_id, since, evidence from (${stale(now)}) stale union all ${neverLoaded(now)}`,

  isSame: (details, evidence) =>
    sql`(${details} ->> 'last_dml_timestamp')::timestamptz is not distinct from (${evidence} ->> 'last_dml_timestamp')::timestamptz`,

  countOpen: ({ now }) => sql`select count(*) from (${stale(now)}) stale`,
}
