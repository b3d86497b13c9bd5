import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { GRACE_MINUTES } from '../../core/bounds.ts'
import { secondsBetween } from '../../core/figures.ts'
import { addSeconds } from '../../core/instant.ts'
import { stringifyJson } from '../../core/json.ts'
import { FUNCTIONS } from '../../db/functions.ts'
import { jsonOf, moment, readIds, text, whole } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { deadlineAfter } from '../../db/thresholds.ts'
import type { RunJob } from '../../jobs/job.ts'
import { job } from '../../jobs/table.ts'
import { pipelineExecution } from '../executions/table.ts'
import { pipeline } from '../pipelines/table.ts'
import { MAX_SLOTS, type Plan, planCron } from './slots.ts'

/** A check reads at most this many pipelines; a job goes on with the rest. */
const MAX_PIPELINES = 2_000
/** If no check has succeeded for longer, Watcher itself was away: it cannot blame the pipelines yet. */
const AWAY_SECONDS = 30 * 60

const grace = sql`coalesce(p.schedule_grace_minutes, ${sql.raw(String(GRACE_MINUTES.default))})`
const NOW = sql`${param('now')}::timestamptz`

/** The k-th time of an interval after its anchor: the last start, else when the interval was set. */
const intervalSlot = (k: ReturnType<typeof sql>) =>
  deadlineAfter(sql`anchor.at`, sql`(${k}::bigint * p.schedule_number)`, sql`p.schedule_datepart`)

/** When a check last succeeded, or null. */
const lastCheck = sql`(select max(finished_at) from ${job} where kind = 'check_schedules' and finished_at is not null and state = 'succeeded')`

/**
 * The pipelines that are due, the longest first: Index Scan on pipeline_check_at. For an interval, the times that are due and the next one,
 * counted from the last start (Index Scan Backward on pipeline_execution_of_pipeline_by_start).
 */
const READ = prepare(sql`
  select p.id, p.schedule_cron, coalesce(p.schedule_timezone, 'UTC') as timezone, ${grace}::text as grace, p.schedule_from, p.schedule_slot_at,
    p.schedule_number::text as number, p.schedule_datepart as datepart,
    case when p.schedule_number is not null then (
      select jsonb_build_object('anchor', min(s.anchor), 'due', coalesce(jsonb_agg(s.at order by s.at) filter (where s.is_due), '[]'), 'next', min(s.at) filter (where not s.is_due))
      from (select greatest((select max(e.start_date) from ${pipelineExecution} e where e.pipeline_id = p.id and e.start_date <= ${NOW}), p.schedule_from) as at) anchor
      cross join lateral (
        select anchor.at as anchor, k.slot as at, k.slot + make_interval(mins => ${grace}) <= ${NOW} as is_due
        from (select ${intervalSlot(sql`n`)} as slot, ${intervalSlot(sql`(n + 1)`)} as next_slot from generate_series(1, ${sql.raw(String(MAX_SLOTS + 1))}) n) k
        -- A start that was reported late moves the times: those before the next one to judge, but after what was judged, count.
        where p.schedule_slot_at is null or k.next_slot > p.schedule_slot_at) s) end as interval_slots,
    ${lastCheck} as checked_at
  from ${pipeline} p where p.active and p.check_at <= ${NOW} order by p.check_at limit ${sql.raw(String(MAX_PIPELINES))}`)

const CHECKED = prepare(sql`select ${lastCheck} as checked_at`)

const dueRow = z.object({
  id: whole,
  schedule_cron: text.nullable(),
  timezone: text,
  grace: z.string().transform(Number),
  schedule_from: moment,
  schedule_slot_at: moment.nullable(),
  number: text.nullable(),
  datepart: text.nullable(),
  interval_slots: jsonOf(z.object({ anchor: moment.nullable(), due: z.array(moment), next: moment.nullable() })).nullable(),
  checked_at: moment.nullable(),
})
type Due = z.output<typeof dueRow>

const planOf = (due: Due, now: string): Plan => {
  const { schedule_cron: cron, timezone, grace: graceMinutes, schedule_from: from, schedule_slot_at: slotAt, interval_slots } = due
  if (cron !== null) return planCron({ cron, timezone, graceMinutes }, { slotAt, from, now })
  const { anchor, due: slots, next } = interval_slots ?? { anchor: null, due: [], next: null }
  // After so many missed times nothing new is said; the next one is looked for again.
  const nextSlot = next ?? addSeconds(now, graceMinutes * 60)
  return {
    // Any start after the last one covers the times that are counted from it.
    slots: slots.map((at) => ({ at, from: addSeconds(anchor ?? from, 1) })),
    next_slot: nextSlot,
    next_check: addSeconds(nextSlot, graceMinutes * 60),
  }
}

const describe = ({ schedule_cron, timezone, number, datepart }: Due): string =>
  schedule_cron === null ? `at least every ${number} ${datepart}s` : `${schedule_cron}, ${timezone}`

const JUDGE = prepare(sql`
  select id from unnest(${sql.raw(FUNCTIONS.judge_schedules)}(p_job_id => ${param('job_id')}, p_attempt => ${param('attempts')}, p_plans => ${param('plans')}::jsonb,
    p_away_from => ${param('away_from')}, p_continues => ${param('continues')}, p_now => ${param('now')},
    p_finished_at => ${param('finished_at')})) id`)

/** The `check_schedules` job: it finds scheduled runs that did not start. */
export const checkSchedules: RunJob = async (claimed, { db, now, clock }) => {
  const due = await db.rows(READ, dueRow, { now })
  const [row] = due.length > 0 ? due : await db.rows(CHECKED, z.object({ checked_at: moment.nullable() }))
  const checkedAt = row?.checked_at ?? null
  const wasAway = checkedAt !== null && secondsBetween(checkedAt, now) > AWAY_SECONDS
  const plans = due.map((pipeline) => {
    const { slots, next_slot, next_check } = planOf(pipeline, now)
    const plan = { pipeline_id: pipeline.id, slot_read: pipeline.schedule_slot_at, schedule: describe(pipeline) }
    // Runs may have started while nobody could report them: everything due has one more grace from now.
    if (wasAway)
      return {
        ...plan,
        slots: [],
        next_slot: slots[0]?.at ?? next_slot,
        next_check: slots[0] ? addSeconds(now, pipeline.grace * 60) : next_check,
      }
    return { ...plan, slots, next_slot, next_check }
  })
  return await readIds(db, JUDGE, {
    job_id: claimed.id,
    attempts: claimed.attempts,
    plans: stringifyJson(plans),
    away_from: wasAway ? checkedAt : null,
    continues: due.length === MAX_PIPELINES || plans.some(({ slots }) => slots.length >= MAX_SLOTS),
    now,
    finished_at: clock(),
  })
}
