import { and, eq, gt, sql } from 'drizzle-orm'
import { z } from 'zod'
import { alerted, MOST_FINDINGS } from '../../alerts/record.ts'
import { addSeconds } from '../../core/instant.ts'
import type { Database } from '../../db/client.ts'
import { moment, readIds } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { deadlineAfter, effectiveRule } from '../../db/thresholds.ts'
import { type Page, rowsToRead } from '../../http/paging.ts'
import { finishedAfter, finishing, held } from '../../jobs/claim.ts'
import type { ClaimedJob } from '../../jobs/job.ts'
import { insertJob } from '../../jobs/record.ts'
import { job } from '../../jobs/table.ts'
import { pipelineExecution } from '../executions/table.ts'
import { pipelineType } from '../pipeline-types/table.ts'
import { pipeline } from '../pipelines/table.ts'
import { timelinessPipelineExecutionLog } from './table.ts'

const LAST_CHECK = prepare(sql`
  select started_at from ${job} where kind = 'check_timeliness' and state = 'succeeded' and finished_at is not null
  order by finished_at desc limit 1`)

/** An end may reach us this much later than its end_date says, and after a check has passed that moment. */
const REPORTED_LATE_SECONDS = 600

/**
 * From when on the check looks at executions that have ended: as far back as asked, or to a little before the last
 * check, whichever is longer ago. A tick that was skipped leaves no hole.
 */
export const findWindowStart = async (db: Database, now: string, lookbackMinutes: number): Promise<string> => {
  const asked = addSeconds(now, -lookbackMinutes * 60)
  const [last] = await db.rows(LAST_CHECK, z.object({ started_at: moment }))
  const unseen = last && addSeconds(last.started_at, -REPORTED_LATE_SECONDS)
  return unseen && unseen < asked ? unseen : asked
}

const rule = effectiveRule('timeliness')

/**
 * The sweep: what is overdue and not yet logged is logged, its alert recorded, and the job ended, as one. An execution
 * is logged once whoever sweeps beside us: of two inserts the unique index lets one through, and only what this
 * statement inserted is in its alert. What runs is read from its partial index however old it is; what has ended, from
 * the window's start on, by Index Scan on pipeline_execution_ended. The window comes as a value, for the planner to see.
 */
const SWEEP = prepare(sql`
  with ${held},
  candidate as (
    select id, pipeline_id, start_date, end_date from ${pipelineExecution} where end_date is null
    union all
    select id, pipeline_id, start_date, end_date from ${pipelineExecution}
    where completed_successfully and end_date >= ${param('since')}::timestamptz),
  overdue as (
    select c.*, due.deadline, ${rule.number} as number, ${rule.datepart} as datepart, ${rule.isOwn} as is_own
    from candidate c
    join ${pipeline} p on p.id = c.pipeline_id
    join ${pipelineType} t on t.id = p.pipeline_type_id
    cross join lateral (select ${deadlineAfter(sql`c.start_date`, rule.number, rule.datepart)} as deadline) due
    where ${rule.isJudged} and coalesce(c.end_date, ${param('now')}::timestamptz) > due.deadline
      and not exists (select from ${timelinessPipelineExecutionLog} l where l.pipeline_execution_id = c.id)
      and exists (select from held)
    order by c.id
    limit ${MOST_FINDINGS}),
  logged as (
    insert into ${timelinessPipelineExecutionLog} (pipeline_execution_id, pipeline_id, duration_seconds, seconds_threshold,
      execution_status, timely_number, timely_datepart, used_child_config, created_at)
    select id, pipeline_id, floor(extract(epoch from coalesce(end_date, ${param('now')}::timestamptz) - start_date)),
      extract(epoch from deadline - start_date), case when end_date is null then 'running' else 'completed' end,
      number, datepart, is_own, ${param('now')}::timestamptz
    from overdue
    on conflict do nothing
    returning pipeline_execution_id, pipeline_id, duration_seconds, execution_status, timely_number, timely_datepart, used_child_config),
  ${alerted('timeliness', sql`select * from logged order by pipeline_execution_id`)},
  continued as (
    ${insertJob('check_timeliness', sql`jsonb_build_object('since', ${param('since')}::timestamptz)`)}
    where (select count(*) from overdue) = ${MOST_FINDINGS}
    returning id),
  ${finishedAfter('logged')}
  select id from alerted union all select id from continued`)

/** Logs and alerts what is newly overdue, and ends the job. Answers the jobs it has recorded. */
export const recordOverdue = (db: Database, claimed: ClaimedJob, since: string, now: string, finishedAt: string): Promise<number[]> =>
  readIds(db, SWEEP, { ...finishing(claimed, finishedAt), since, now })

/** A page of the log in the order of its ids. */
export const listTimelinessLog = (db: Database, filters: Page & { pipeline_id?: number }) =>
  db.orm
    .select()
    .from(timelinessPipelineExecutionLog)
    .where(
      and(
        gt(timelinessPipelineExecutionLog.id, filters.after_id),
        filters.pipeline_id === undefined ? undefined : eq(timelinessPipelineExecutionLog.pipeline_id, filters.pipeline_id),
      ),
    )
    .orderBy(timelinessPipelineExecutionLog.id)
    .limit(rowsToRead(filters))
