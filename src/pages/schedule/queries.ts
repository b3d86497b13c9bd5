import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { GRACE_MINUTES } from '../../core/bounds.ts'
import { addSeconds } from '../../core/instant.ts'
import type { Database } from '../../db/client.ts'
import { FUNCTIONS } from '../../db/functions.ts'
import { effective } from '../../db/on-call.ts'
import { jsonOf, moment, text, whole } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { pipelineExecution } from '../../features/executions/table.ts'
import { pipelineType } from '../../features/pipeline-types/table.ts'
import { pipeline } from '../../features/pipelines/table.ts'
import { incident } from '../../incidents/table.ts'
import { patternOf } from '../frame/fields.ts'
import { DAY_SECONDS } from '../frame/problems.ts'

export const PAGE_ROWS = 25
/** The page looks at this many starts of a pipeline. */
const MAX_STARTS = 300

/** One page of scheduled pipelines by name, those with a missed run first, with their starts of the last 24 hours. */
const SCHEDULES = prepare(sql`
  select p.id, p.name, ${effective('owner', { pipeline: sql.raw('p'), type: sql.raw('t') })} as owner, p.schedule_cron as cron,
    coalesce(p.schedule_timezone, 'UTC') as timezone, p.schedule_number::text as number, p.schedule_datepart as datepart,
    coalesce(p.schedule_grace_minutes, ${sql.raw(String(GRACE_MINUTES.default))})::text as grace, p.schedule_from,
    (select i.id from ${incident} i where coalesce(i.pipeline_id, 0) = p.id and i.kind = 'missed' and i.resolved_at is null limit 1) as incident_id,
    case when p.schedule_number is not null then (select t.at from ${sql.raw(FUNCTIONS.interval_slots)}(
      (select max(e.start_date) from ${pipelineExecution} e where e.pipeline_id = p.id and e.start_date <= ${param('now')}::timestamptz),
      p.schedule_from, p.schedule_number, p.schedule_datepart, null, 1) t(at)) end as interval_end,
    (select coalesce(jsonb_agg(s.start_date order by s.start_date), '[]') from (
      select e.start_date from ${pipelineExecution} e where e.pipeline_id = p.id and e.start_date >= ${param('day_ago')}::timestamptz
      order by e.start_date desc limit ${sql.raw(String(MAX_STARTS))}) s) as starts
  from ${pipeline} p join ${pipelineType} t on t.id = p.pipeline_type_id
  where p.check_at is not null and p.active and not p.is_step and (${param('like')}::text is null or p.name ilike ${param('like')})
    and (${param('owner')}::text is null or ${effective('owner', { pipeline: sql.raw('p'), type: sql.raw('t') })} = ${param('owner')})
  order by (select count(*) from ${incident} i where coalesce(i.pipeline_id, 0) = p.id and i.kind = 'missed' and i.resolved_at is null) desc, lower(p.name)
  offset ${param('skipped')} limit ${sql.raw(String(PAGE_ROWS + 1))}`)

const scheduleRow = z.object({
  id: whole,
  name: text,
  owner: text.nullable(),
  cron: text.nullable(),
  timezone: text,
  number: text.nullable(),
  datepart: text.nullable(),
  grace: z.string().transform(Number),
  schedule_from: moment,
  incident_id: whole.nullable(),
  interval_end: moment.nullable(),
  starts: jsonOf(z.array(moment)),
})
export type ScheduleRow = z.output<typeof scheduleRow>

export const readSchedules = (db: Database, { search, owner, page }: { search: string; owner: string; page: number }, now: string) =>
  db.rows(SCHEDULES, scheduleRow, {
    like: patternOf(search),
    owner: owner || null,
    now,
    day_ago: addSeconds(now, -DAY_SECONDS),
    skipped: (page - 1) * PAGE_ROWS,
  })
