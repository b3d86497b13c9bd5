import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { addSeconds } from '../../core/instant.ts'
import type { Database } from '../../db/client.ts'
import { listing } from '../../db/json-list.ts'
import { moment } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { job } from '../../jobs/table.ts'
import { timelinessPipelineExecutionLog } from './table.ts'

const LAST_CHECK = prepare(sql`
  select started_at from ${job} where kind = 'check_timeliness' and state = 'succeeded' and finished_at is not null
  order by finished_at desc limit 1`)

/**
 * Finds the start of the window in which the check looks at ended executions: the requested lookback before now, or before the last check if
 * that was longer ago. So a skipped tick leaves no gap, also for an end that is reported late.
 */
export const findWindowStart = async (db: Database, now: string, lookbackMinutes: number): Promise<string> => {
  const [last] = await db.rows(LAST_CHECK, z.object({ started_at: moment }))
  return addSeconds(last && last.started_at < now ? last.started_at : now, -lookbackMinutes * 60)
}

/** A page of the log in the order of its ids. */
export const listTimelinessLog = listing<{ pipeline_id?: number }>({
  table: timelinessPipelineExecutionLog,
  conditions: { pipeline_id: sql`${timelinessPipelineExecutionLog.pipeline_id} = ${param('pipeline_id')}` },
})
