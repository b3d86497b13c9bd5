import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { stringifyJson } from '../../core/json.ts'
import type { Database } from '../../db/client.ts'
import { SEVERITIES } from '../../db/constraints.ts'
import { FUNCTIONS } from '../../db/functions.ts'
import { jsonText, readIds, whole } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { notifyJobAfter } from '../../incidents/notify-job.ts'
import { incident } from '../../incidents/table.ts'
import type { JobKind } from '../../jobs/job.ts'
import { job } from '../../jobs/table.ts'
import type { House } from '../feature.ts'
import { isWorse, levelOf } from './depth-level.ts'

/** The open incident about the queue's depth. */
const OPEN = sql`i.pipeline_id is null and i.kind = 'queue' and i.subject = 'depth' and i.resolved_at is null`

const MEASURE = prepare(sql`
  with depth as (
    select coalesce(sum(waiting), 0)::bigint as total, coalesce(jsonb_object_agg(kind, waiting), '{}') as breakdown
    from (
      select kind, count(*) as waiting from ${job}
      where state in ('waiting', 'running') and state = 'waiting' and due_at <= ${param('now')}::timestamptz group by kind) counted)
  select total, breakdown, coalesce((select i.severity from ${incident} i where ${OPEN}), 'healthy') as level from depth`)

const depthRow = z.object({ total: whole, breakdown: jsonText, level: z.enum(['healthy', ...SEVERITIES]) })

const NOW = sql`${param('now')}::timestamptz`
const CHANGED = sql.raw('changed')
const TOLD = sql.raw('told')

const RAISE = prepare(sql`
  with ${CHANGED} as materialized (
    select id from ${sql.raw(FUNCTIONS.open_incident)}(p_pipeline_id => null, p_kind => 'queue', p_subject => 'depth', p_severity => ${param('level')},
      p_opened_at => ${NOW}, p_execution_id => null, p_occurrences => 1, p_last_success_at => null, p_details => ${param('details')}::jsonb,
      p_now => ${NOW}, p_alerts => ${param('alerts')}::jsonb)),
  ${notifyJobAfter(TOLD, [CHANGED], NOW)}
  select id from ${TOLD} where id is not null`)

const LOWER = prepare(sql`
  with ${CHANGED} as materialized (
    select ${sql.raw(FUNCTIONS.resolve_incident)}(p_id => i.id, p_by => 'auto', p_text => ${param('text')}, p_now => ${NOW}) from ${incident} i where ${OPEN}),
  ${notifyJobAfter(TOLD, [CHANGED], NOW)}
  select id from ${TOLD} where id is not null`)

export interface QueueDepth {
  total: number
  breakdown: Record<JobKind, number>
  /** The jobs that tell people, if this call is the one that recorded them. */
  alertJobIds: number[]
}

/**
 * Counts the jobs that are due and wait, by kind. It opens an incident when they are many, makes it critical when they are very
 * many, and resolves it when they are few again. If several callers see the same change, one of them makes it.
 */
export const measureQueueDepth = async (db: Database, { jobKinds }: House, now: string): Promise<QueueDepth> => {
  const [row] = await db.rows(MEASURE, depthRow, { now })
  if (!row) throw new Error('expected one row of depth')
  const breakdown = Object.fromEntries(jobKinds.map((kind) => [kind, Number(row.breakdown[kind] ?? 0)])) as Record<JobKind, number>
  const level = levelOf(row.total)
  const measured = { total: row.total, breakdown }
  if (isWorse(level, row.level)) {
    const waiting = Object.fromEntries(Object.entries(breakdown).filter(([, count]) => count > 0))
    const details = { total_pending: row.total, breakdown: waiting }
    const alert = { alert: 'queue', at: now, level, ...details }
    const values = { level, details: stringifyJson(details), alerts: stringifyJson([alert]), now }
    return { ...measured, alertJobIds: await readIds(db, RAISE, values) }
  }
  if (level !== 'healthy' || row.level === 'healthy') return { ...measured, alertJobIds: [] }
  return { ...measured, alertJobIds: await readIds(db, LOWER, { text: `${row.total} jobs wait`, now }) }
}
