import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { jsonOf, moment } from '../db/rows.ts'
import { cronTick } from './table.ts'

/** A subquery: the last tick of each cron, as JSON for `ticksColumn`. */
export const TICKS = sql`(select coalesce(jsonb_agg(to_jsonb(t) order by t.cron), '[]') from (
  select cron, due_at, came_at, fault from ${cronTick}) t)`

export const ticksColumn = jsonOf(z.array(z.object({ cron: z.string(), due_at: moment, came_at: moment, fault: z.string().nullable() })))
