import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { stringifyJson } from '../../core/json.ts'
import type { Database } from '../../db/client.ts'
import { jsonText, readIds, whole } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import type { JobKind } from '../../jobs/job.ts'
import { job } from '../../jobs/table.ts'
import type { House } from '../feature.ts'
import { isWorse, levelOf } from './depth-level.ts'

const MEASURE = prepare(sql`
  with depth as (
    select coalesce(sum(waiting), 0)::bigint as total, coalesce(jsonb_object_agg(kind, waiting), '{}') as breakdown
    from (select kind, count(*) as waiting from ${job} where state in ('waiting', 'running') and state = 'waiting' group by kind) counted),
  recorded as (
    select id, payload ->> 'level' as level from ${job}
    where unique_key like 'queue depth %' and kind = 'send_alert'
    order by id desc limit 1)
  select total, breakdown, (select id from recorded) as recorded_id, coalesce((select level from recorded), 'healthy') as recorded_level from depth`)

const depthRow = z.object({
  total: whole,
  breakdown: jsonText,
  recorded_id: whole.nullable(),
  recorded_level: z.enum(['healthy', 'warning', 'critical']),
})

const RECORD_LEVEL = prepare(sql`
  insert into ${job} (kind, payload, state, unique_key, created_at, due_at, finished_at)
  values ('send_alert', ${param('payload')}::jsonb, ${param('state')}, ${param('key')}, ${param('now')}::timestamptz, ${param('now')}::timestamptz,
    case when ${param('state')} = 'succeeded' then ${param('now')}::timestamptz end)
  on conflict do nothing
  returning id`)

export interface QueueDepth {
  total: number
  breakdown: Record<JobKind, number>
  /** The alert's job, if this call is the one that recorded it. */
  alertJobIds: number[]
}

/**
 * Counts the waiting jobs by kind, and records an alert if the level rose since the last call. The level is stored as the
 * last alert of this kind; a lower level is stored as an alert that is never sent. The alert's key names the alert before
 * it: if several callers see the same change of level, one of them records it.
 */
export const measureQueueDepth = async (db: Database, { jobKinds }: House, now: string): Promise<QueueDepth> => {
  const [row] = await db.rows(MEASURE, depthRow)
  if (!row) throw new Error('expected one row of depth')
  const breakdown = Object.fromEntries(jobKinds.map((kind) => [kind, Number(row.breakdown[kind] ?? 0)])) as Record<JobKind, number>
  const level = levelOf(row.total)
  const measured = { total: row.total, breakdown }
  if (level === row.recorded_level) return { ...measured, alertJobIds: [] }
  const isAlert = isWorse(level, row.recorded_level)
  const waiting = Object.fromEntries(Object.entries(breakdown).filter(([, count]) => count > 0))
  const recorded = await readIds(db, RECORD_LEVEL, {
    payload: stringifyJson({ alert: 'queue', at: now, level, total_pending: row.total, breakdown: waiting }),
    state: isAlert ? 'waiting' : 'succeeded',
    key: `queue depth after ${row.recorded_id ?? 'nothing'}`,
    now,
  })
  return { ...measured, alertJobIds: isAlert ? recorded : [] }
}
