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

/** When a check last succeeded, or null. */
const lastCheck = sql`(select max(finished_at) from ${job} where kind = 'check_schedules' and finished_at is not null and state = 'succeeded')`

/** Since when Watcher was away, while the rest of the first check afterwards goes on; else null. */
const awayFromOfRest = sql`(select payload ->> 'away_from' from ${job}
  where kind = 'check_schedules' and state in ('waiting', 'running') and payload ? 'away_from' order by id limit 1)`

/** Months do not subtract as they add: a month before 30 April is 30 March, and 31 March was judged. */
const CALENDAR = sql`case when p.schedule_datepart in ('month', 'year') then interval '3 days' else interval '0' end`

/**
 * The pipelines that are due, the longest first: Index Scan on pipeline_check_at. For an interval, the next times to judge, and the last start
 * (Index Scan Backward on pipeline_execution_of_pipeline_by_start). A start that was reported late moves the times: those before the next one to
 * judge, but after what was judged, count.
 */
const READ = prepare(sql`
  select p.id, p.schedule_cron, coalesce(p.schedule_timezone, 'UTC') as timezone, ${grace}::text as grace, p.schedule_from, p.schedule_slot_at,
    p.schedule_number::text as number, p.schedule_datepart as datepart,
    case when p.schedule_number is not null then (
      select jsonb_build_object('last_start', last.start, 'times', (select jsonb_agg(t.at order by t.at) from ${sql.raw(FUNCTIONS.interval_slots)}(
        last.start, p.schedule_from, p.schedule_number, p.schedule_datepart,
        ${deadlineAfter(sql`p.schedule_slot_at`, sql`-p.schedule_number`, sql`p.schedule_datepart`)} + ${CALENDAR}, ${sql.raw(String(MAX_SLOTS + 1))}) t(at)))
      from (select max(e.start_date) as start from ${pipelineExecution} e where e.pipeline_id = p.id and e.start_date <= ${NOW}) last) end as interval_slots,
    ${lastCheck} as checked_at, ${awayFromOfRest} as away_from
  from ${pipeline} p where p.active and p.check_at <= ${NOW} order by p.check_at limit ${sql.raw(String(MAX_PIPELINES))}`)

const CHECKED = prepare(sql`select ${lastCheck} as checked_at, ${awayFromOfRest} as away_from`)
const checkedRow = z.object({ checked_at: moment.nullable(), away_from: moment.nullable() })

const dueRow = z.object({
  id: whole,
  schedule_cron: text.nullable(),
  timezone: text,
  grace: z.string().transform(Number),
  schedule_from: moment,
  schedule_slot_at: moment.nullable(),
  number: text.nullable(),
  datepart: text.nullable(),
  interval_slots: jsonOf(z.object({ last_start: moment.nullable(), times: z.array(moment) })).nullable(),
  ...checkedRow.shape,
})
type Due = z.output<typeof dueRow>

const planOf = (due: Due, now: string): Plan => {
  const { schedule_cron: cron, timezone, grace: graceMinutes, schedule_from: from, schedule_slot_at: slotAt, interval_slots } = due
  if (cron !== null) return planCron({ cron, timezone, graceMinutes }, { slotAt, from, now })
  const { last_start: lastStart, times } = interval_slots ?? { last_start: null, times: [] }
  const slots = times.slice(0, MAX_SLOTS).filter((at) => addSeconds(at, graceMinutes * 60) <= now)
  const nextSlot = times[slots.length] ?? null
  return {
    // Any start after the last one covers the times that are counted from it.
    slots: slots.map((at) => ({ at, from: addSeconds(lastStart ?? from, 1) })),
    next_slot: nextSlot,
    next_check: nextSlot === null ? null : addSeconds(nextSlot, graceMinutes * 60),
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
  const [row] = due.length > 0 ? due : await db.rows(CHECKED, checkedRow)
  const checkedAt = row?.checked_at ?? null
  // The rest of a check that began so goes on so, and so does what runs beside it: by now a check has succeeded.
  const awayFrom = row?.away_from ?? (checkedAt !== null && secondsBetween(checkedAt, now) > AWAY_SECONDS ? checkedAt : null)
  const plans = due.map((pipeline) => {
    const { slots, next_slot, next_check } = planOf(pipeline, now)
    const plan = {
      pipeline_id: pipeline.id,
      from_read: pipeline.schedule_from,
      slot_read: pipeline.schedule_slot_at,
      schedule: describe(pipeline),
      is_interval: pipeline.schedule_cron === null,
    }
    // Runs may have started while nobody could report them: everything due has one more grace from now.
    if (awayFrom !== null)
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
    away_from: awayFrom,
    continues: due.length === MAX_PIPELINES || plans.some(({ slots }) => slots.length >= MAX_SLOTS),
    now,
    finished_at: clock(),
  })
}
