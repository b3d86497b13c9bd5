import { type SQL, sql } from 'drizzle-orm'
import { pipelineExecution } from '../executions/table.ts'
import { columns, progress, startOf } from './days.ts'
import { bucketOf } from './histogram.ts'
import { daySums, p95, sumNames, sumOfBoth, sumsOfDays } from './sums.ts'
import { pipelineDay, pipelineDayTotal } from './table.ts'

export { SUM_NAMES, type SumName, type Sums, sumNames, sumsOfDays, sumUp } from './sums.ts'

/** The days to read: expressions of the first and the last UTC day, and a condition on the column `pipeline_id`, if not all are read. */
export interface Period {
  from: SQL
  to: SQL
  where?: SQL | undefined
  /** True if `p95_seconds` is read for each row of the open day, for example to sort by it; else it is null there. */
  withPercentile?: boolean
}

/**
 * The exact 95th percentile of durations of a row of `day` that has none stored; null if its runs may be gone. Index Scan on
 * pipeline_execution_of_pipeline_by_start.
 */
export const percentileOf = (row: SQL): SQL => sql`(
  select ${p95} from ${pipelineExecution} e
  where e.pipeline_id = ${row}.pipeline_id and e.start_date >= ${startOf(sql`${row}.day`)}
    and e.start_date < ${startOf(sql`${row}.day + 1`)} and ${row}.day > (select cleaned_through from progress))`

/**
 * CTEs with which a statement reads the runs of a period by pipeline and day: `closed_day` and `open_day` have the columns of
 * `pipeline_day`, and no day is in both. The first is not materialized, so that each reader takes what it needs. Runs that are not
 * counted yet are counted here: Index Scan on pipeline_execution_start_date. Their durations are in no histogram: `fresh_bucket` has
 * them (`bucket`, `runs`).
 */
export const dayTables = ({ from, to, where = sql`true`, withPercentile = false }: Period): SQL => sql`
  ${progress},
  fresh_run as not materialized (
    select e.* from ${pipelineExecution} e
    where e.start_date >= greatest(${startOf(from)}, (select counted_until from progress))
      and e.start_date < ${startOf(sql`${to} + 1`)} and ${where}),
  fresh_bucket as (
    select ${bucketOf(sql`e.duration_seconds`)} as bucket, count(*) as runs from fresh_run e where e.duration_seconds is not null group by 1),
  closed_day as not materialized (
    select ${columns} from ${pipelineDay}
    -- Added to the day, the second limit does not spoil the planner's estimate of the first two.
    where day between ${from} and ${to} and day + 0 <= (select closed_through from progress) and ${where}),
  open_day as materialized (
    select day, pipeline_id, ${sumNames}, ${withPercentile ? percentileOf(sql`total`) : sql`null::double precision`} as p95_seconds, durations
    from (
      select day, pipeline_id, ${sumOfBoth(sql`known`, sql`fresh`)}, coalesce(known.durations, 0) as durations
      from (
        select day, pipeline_id, ${sumNames}, durations from ${pipelineDay}
        where day between ${from} and ${to} and day > (select closed_through from progress) and ${where}) known
      full join (select e.date_recorded as day, e.pipeline_id, ${daySums} from fresh_run e group by e.date_recorded, e.pipeline_id) fresh
        using (day, pipeline_id)) total)`

/**
 * The CTE `closed_total`, after `dayTables` of all pipelines: the sums of each closed day that has runs. A day that is not summed up, or
 * has changed since, is summed here: Index Scan on pipeline_day_pk.
 */
export const closedTotals = ({ from, to }: Pick<Period, 'from' | 'to'>): SQL => sql`
  closed_total as materialized (
    select day, ${sumNames}, durations from ${pipelineDayTotal} where day between ${from} and ${to} and day <= (select closed_through from progress) and executions > 0
    union all
    select missing.day, total.* from (
      select that::date as day from generate_series(${from}, least(${to}, (select closed_through from progress)), '1 day') that
      where not exists (select from ${pipelineDayTotal} t where t.day = that::date)) missing
    cross join lateral (select ${sumsOfDays} from closed_day c where c.day = missing.day having count(*) > 0) total)`
