import { and, eq, gt, sql } from 'drizzle-orm'
import { z } from 'zod'
import { addSeconds } from '../../core/instant.ts'
import type { Database } from '../../db/client.ts'
import { moment } from '../../db/rows.ts'
import { prepare } from '../../db/statement.ts'
import { type Page, rowsToRead } from '../../http/paging.ts'
import { job } from '../../jobs/table.ts'
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
