import { type SQL, sql } from 'drizzle-orm'
import { sumNames } from './sums.ts'
import { pipelineDayProgress } from './table.ts'

/** What counting and reading share. */

/** The key of the lock of whoever changes what is counted: counting, and the import of runs. */
export const TURN_KEY = `hashtextextended('watcher pipeline_day', 0)`

/** The columns of `pipeline_day`, as a list. */
export const columns: SQL = sql`day, pipeline_id, ${sumNames}, p95_seconds, durations`

/** The CTE that says how far runs are counted: one row, also before the first count. */
export const progress: SQL = sql`progress as materialized (
  select coalesce(max(closed_through), '-infinity') as closed_through, coalesce(max(counted_until), '-infinity') as counted_until,
    coalesce(max(cleaned_through), '-infinity') as cleaned_through
  from ${pipelineDayProgress})`

/** The UTC day as an instant, and the other way round. */
export const startOf = (day: SQL): SQL => sql`(${day})::timestamp at time zone 'UTC'`
export const dayOf = (instant: SQL): SQL => sql`(${instant} at time zone 'UTC')::date`
