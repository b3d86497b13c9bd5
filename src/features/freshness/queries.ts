import { and, eq, gt, sql } from 'drizzle-orm'
import { alerted, MOST_FINDINGS } from '../../alerts/record.ts'
import type { Database } from '../../db/client.ts'
import { readIds } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { deadlineAfter, effectiveRule } from '../../db/thresholds.ts'
import { type Page, rowsToRead } from '../../http/paging.ts'
import { finishedAfter, finishing, held } from '../../jobs/claim.ts'
import type { ClaimedJob } from '../../jobs/job.ts'
import { insertJob } from '../../jobs/record.ts'
import { pipelineType } from '../pipeline-types/table.ts'
import { pipeline } from '../pipelines/table.ts'
import { freshnessPipelineLog } from './table.ts'

const rule = effectiveRule('freshness')

/**
 * The sweep: pipelines whose last insert, update or delete is too old and not yet logged are logged, their alert is
 * recorded, and the job ended, as one. A pipeline is logged once for each last DML time whoever sweeps beside us, and
 * not again when cleanup has taken the log: the pipeline keeps what was logged last. Every pipeline is read (Seq Scan):
 * each has a threshold of its own, and there are far fewer of them than executions.
 */
const SWEEP = prepare(sql`
  with ${held},
  stale as (
    select p.id, p.name, latest.dml, ${rule.number} as number, ${rule.datepart} as datepart, ${rule.isOwn} as is_own
    from ${pipeline} p
    join ${pipelineType} t on t.id = p.pipeline_type_id
    cross join lateral (select greatest(p.last_target_insert, p.last_target_update, p.last_target_soft_delete) as dml) latest
    where ${rule.isJudged} and latest.dml is not null and latest.dml is distinct from p.freshness_logged_for
      and ${deadlineAfter(sql`latest.dml`, rule.number, rule.datepart)} < ${param('now')}::timestamptz
      and exists (select from held)
    order by p.id
    limit ${MOST_FINDINGS}),
  logged as (
    insert into ${freshnessPipelineLog} (pipeline_id, last_dml_timestamp, evaluation_timestamp, freshness_number, freshness_datepart,
      used_child_config, created_at)
    select id, dml, ${param('now')}::timestamptz, number, datepart, is_own, ${param('now')}::timestamptz from stale
    on conflict do nothing
    returning pipeline_id, last_dml_timestamp, freshness_number, freshness_datepart),
  remembered as (update ${pipeline} p set freshness_logged_for = stale.dml from stale where p.id = stale.id),
  ${alerted('freshness', sql`select logged.*, stale.name as pipeline_name from logged join stale on stale.id = logged.pipeline_id order by pipeline_id`)},
  continued as (
    ${insertJob('check_freshness', sql`'{}'::jsonb`)}
    where (select count(*) from stale) = ${MOST_FINDINGS}
    returning id),
  ${finishedAfter('logged')}
  select id from alerted union all select id from continued`)

/** Logs and alerts what is newly stale, and ends the job. Answers the jobs it has recorded. */
export const recordStale = (db: Database, claimed: ClaimedJob, now: string, finishedAt: string): Promise<number[]> =>
  readIds(db, SWEEP, { ...finishing(claimed, finishedAt), now })

/** A page of the log in the order of its ids. */
export const listFreshnessLog = (db: Database, filters: Page & { pipeline_id?: number }) =>
  db.orm
    .select()
    .from(freshnessPipelineLog)
    .where(
      and(
        gt(freshnessPipelineLog.id, filters.after_id),
        filters.pipeline_id === undefined ? undefined : eq(freshnessPipelineLog.pipeline_id, filters.pipeline_id),
      ),
    )
    .orderBy(freshnessPipelineLog.id)
    .limit(rowsToRead(filters))
