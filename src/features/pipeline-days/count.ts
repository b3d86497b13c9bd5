import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { addSeconds } from '../../core/instant.ts'
import type { Database } from '../../db/client.ts'
import { text, truth, whole } from '../../db/rows.ts'
import { pipelineExecution } from '../executions/table.ts'
import { columns, dayOf, progress, startOf, TURN_KEY } from './days.ts'
import { bucketOf, histogramOf } from './histogram.ts'
import { daySums, MAX_SUM, p95, SUM_NAMES, sumNames, sumsOfDays } from './sums.ts'
import { pipelineDay, pipelineDayMark, pipelineDayProgress, pipelineDayTotal } from './table.ts'

/**
 * How runs get into `pipeline_day`:
 *
 *   closed days                            the open day                       now
 *   ──────────────────────────────┬────────────────────────────────┬───────────┐
 *   counted as a whole            │ added hour by hour             │ counted   │
 *   (closeDays)                   │ (addHours)                     │ by readers│
 *   ──────────────────────────────┴────────────────────────────────┴───────────┘
 *                    closed_through                     counted_until
 *
 * What happens to a run left of `counted_until` leaves a mark. countMarks counts closed days again, and adds to the open day. sumDays
 * sums up the rows of each closed day that is new or has changed. A start
 * or end marks a run that began more than half an hour before; counting stops an hour before now. The half hour between covers clocks
 * that differ, and transactions that are under way.
 */
const COUNTED_AFTER_SECONDS = 3_600
const DAY_SECONDS = 86_400

/** One statement counts about this many runs, but at least a day or an hour. It takes a second or two. */
const MAX_RUNS_AT_ONCE = 200_000
const MAX_MARKS_AT_ONCE = 5_000
const MAX_DAYS_SUMMED_AT_ONCE = 60
/** Closed days that are counted again with the next one: a worker whose clock was very wrong may have recorded a run without a mark. */
const DAYS_COUNTED_AGAIN = 2

/**
 * Statements that count take turns. The lock is a statement of its own: the next one must see what the one before committed. They
 * are too short for PostgreSQL to compile them.
 */
const TURN = sql`select set_config('jit', 'off', true), pg_advisory_xact_lock(${sql.raw(TURN_KEY)})`

/** What is counted of a run. */
const runColumns = sql.raw(
  'e.date_recorded as day, e.pipeline_id, e.completed_successfully, e.inserts, e.updates, e.soft_deletes, e.total_rows, e.duration_seconds',
)

/** The CTEs that count the runs of the CTE `run` by day. The last of them, `name`, has the columns of `pipeline_day`. */
const counted = (name: string, run: string, percentile: SQL = sql`null::double precision`): SQL => {
  const [summed, bucket, histogram] = ['summed', 'bucket', 'histogram'].map((part) => sql.raw(`${name}_${part}`))
  return sql`
    ${summed} as (select e.day, e.pipeline_id, ${daySums}, ${percentile} as p95_seconds from ${sql.raw(run)} e group by e.day, e.pipeline_id),
    ${bucket} as (
      select e.day, e.pipeline_id, ${bucketOf(sql`e.duration_seconds`)} as bucket, count(*) as count from ${sql.raw(run)} e
      where e.duration_seconds is not null group by 1, 2, 3),
    ${histogram} as (select day, pipeline_id, sum(${histogramOf(sql`bucket`, sql`count`)}) as durations from ${bucket} group by 1, 2),
    ${sql.raw(name)} as (
      select day, pipeline_id, ${sumNames}, p95_seconds, coalesce(durations, 0) as durations
      from ${summed} left join ${histogram} using (day, pipeline_id))`
}

const each = (write: (name: string) => string): SQL => sql.raw(SUM_NAMES.map((name) => `${name} = ${write(name)}`).join(', '))

/** Writes the rows of a CTE; a row that is there and the same is not written. */
const store = (rows: string) => sql`
  insert into ${pipelineDay} as d (${columns}) select ${columns} from ${sql.raw(rows)}
  on conflict (day, pipeline_id) do update
  set ${each((name) => `excluded.${name}`)}, p95_seconds = excluded.p95_seconds, durations = excluded.durations
  where (d.*) is distinct from (excluded.*)`

/** Adds the rows of a CTE to those that are there. A percentile cannot be added up: the histogram has to do. */
const add = (rows: string) => sql`
  insert into ${pipelineDay} as d (${columns}) select ${columns} from ${sql.raw(rows)}
  on conflict (day, pipeline_id) do update
  set ${each((name) => `least(d.${name}::numeric + excluded.${name}, ${MAX_SUM})::bigint`)}, durations = d.durations + excluded.durations,
    p95_seconds = case when excluded.timed = 0 then d.p95_seconds end`

/** A value of `progress`, or of another CTE of one row. A join would make it no condition of the index. */
const of = (name: string, cte = 'progress'): SQL => sql.raw(`(select ${name} from ${cte})`)
/** When the first run started that is not counted, or the one that `offset` others precede. */
const uncounted = (from: SQL, offset: number) => sql`(
  select e.start_date from ${pipelineExecution} e where e.start_date >= ${from} order by e.start_date offset ${sql.raw(String(offset))} limit 1)`

/**
 * Closes the next days up to `lastDay`, and counts the last days again once that is reached. Returns the last closed day; call it
 * until that is `lastDay`. Index Scan on pipeline_execution_start_date.
 */
const closeDays = async (db: Database, lastDay: string): Promise<string> => {
  const target = sql`${lastDay}::date`
  const next = startOf(sql`${of('closed_through')} + 1`)
  const [row] = await db.transaction(
    [
      TURN,
      sql`
      with ${progress},
      chosen as materialized (
        select closed_through,
          case when many.day is null then ${target} else least(${target}, greatest(${dayOf(uncounted(next, 0))}, many.day - 1)) end as through
        from progress, (select ${dayOf(uncounted(next, MAX_RUNS_AT_ONCE))} as day) many where closed_through < ${target}),
      period as materialized (
        select through, case when through = ${target} then least(closed_through + 1, through - ${sql.raw(String(DAYS_COUNTED_AGAIN))}) else closed_through + 1 end as first
        from chosen),
      run as materialized (
        select ${runColumns} from ${pipelineExecution} e
        where e.start_date >= ${startOf(of('first', 'period'))} and e.start_date < ${startOf(sql`${of('through', 'period')} + 1`)}
          and e.date_recorded > ${of('cleaned_through')}),
      ${counted('whole_day', 'run', p95)},
      stored as (${store('whole_day')}),
      unsummed as (delete from ${pipelineDayTotal} where day between ${of('first', 'period')} and ${of('through', 'period')}),
      unmarked as (
        delete from ${pipelineDayMark}
        where ${dayOf(sql`start_date`)} between ${of('first', 'period')} and ${of('through', 'period')} and ${dayOf(sql`start_date`)} > ${of('cleaned_through')}),
      closed as (
        insert into ${pipelineDayProgress} as p (closed_through, counted_until) select through, ${startOf(sql`through + 1`)} from period
        on conflict (is_only) do update
        set closed_through = excluded.closed_through, counted_until = greatest(p.counted_until, excluded.counted_until))
      select coalesce(${of('through', 'period')}, ${of('closed_through')})::text as closed_through`,
    ],
    z.object({ closed_through: text }),
  )
  if (!row) throw new Error('expected one row')
  return row.closed_through
}

/** Adds the runs of the open day that started before `until`. Returns true when all are added. */
const addHours = async (db: Database, until: string): Promise<boolean> => {
  const [row] = await db.transaction(
    [
      TURN,
      sql`
      with ${progress},
      period as materialized (
        select counted_until as first,
          case when many.at is null then ${until}::timestamptz else least(${until}::timestamptz, greatest(many.at, counted_until + interval '1 hour')) end as until
        from progress, (select ${uncounted(of('counted_until'), MAX_RUNS_AT_ONCE)} as at) many where counted_until < ${until}::timestamptz),
      run as materialized (
        select ${runColumns} from ${pipelineExecution} e
        where e.start_date >= ${of('first', 'period')} and e.start_date < ${of('until', 'period')}),
      ${counted('hours', 'run')},
      added as (${add('hours')}),
      unmarked as (delete from ${pipelineDayMark} where start_date >= ${of('first', 'period')} and start_date < ${of('until', 'period')}),
      moved as (update ${pipelineDayProgress} set counted_until = ${of('until', 'period')} where exists (select from period))
      select coalesce(${of('until', 'period')} >= ${until}::timestamptz, true) as is_complete`,
    ],
    z.object({ is_complete: truth }),
  )
  return row?.is_complete ?? false
}

/**
 * Counts what the marks tell, and deletes them. A closed day is counted again: Index Scan on pipeline_execution_of_pipeline_by_start
 * for each pipeline and day. To the open day, and to a day whose runs may be gone, the marks' own runs are added. Returns how many
 * marks were deleted.
 */
const countMarks = async (db: Database): Promise<number> => {
  const [row] = await db.transaction(
    [
      TURN,
      sql`
      with ${progress},
      mark as materialized (
        delete from ${pipelineDayMark} where ctid = any(array(select ctid from ${pipelineDayMark} limit ${sql.raw(String(MAX_MARKS_AT_ONCE))}))
        returning ${dayOf(sql`start_date`)} as day, *),
      again as materialized (
        select distinct day, pipeline_id from mark where day > ${of('cleaned_through')} and day <= ${of('closed_through')}),
      run as materialized (
        select ${runColumns} from again cross join lateral (
          select * from ${pipelineExecution} r
          where r.pipeline_id = again.pipeline_id and r.start_date >= ${startOf(sql`again.day`)} and r.start_date < ${startOf(sql`again.day + 1`)}
          offset 0) e),
      ${counted('whole_day', 'run', p95)},
      stored as (${store('whole_day')}),
      late as materialized (
        select * from mark where day <= ${of('cleaned_through')} or day > ${of('closed_through')} and start_date < ${of('counted_until')}),
      unsummed as (delete from ${pipelineDayTotal} where day in (select day from again union all select day from late)),
      late_run as materialized (
        select ${runColumns} from late join ${pipelineExecution} e on e.id = late.pipeline_execution_id where late.is_end),
      ${counted('late_end', 'late_run')},
      late_day as (
        select started.day, started.pipeline_id, ${sql.raw(
          SUM_NAMES.map((name) => (name === 'executions' ? 'started.executions' : `coalesce(late_end.${name}, 0) as ${name}`)).join(', '),
        )}, null::double precision as p95_seconds, coalesce(late_end.durations, 0) as durations
        from (select day, pipeline_id, count(*) filter (where not is_end) as executions from late group by 1, 2) started
        left join late_end using (day, pipeline_id)),
      added as (${add('late_day')})
      select (select count(*) from mark) as marks`,
    ],
    z.object({ marks: whole }),
  )
  return row?.marks ?? 0
}

/**
 * Sums up closed days that have no total, the newest first. Returns how many it summed up. The days between may be without runs: their
 * totals are 0, so that nobody looks again.
 */
const sumDays = async (db: Database): Promise<number> => {
  const [row] = await db.transaction(
    [
      TURN,
      sql`
      with ${progress},
      missing as materialized (
        select that::date as day
        from generate_series((select min(day) from ${pipelineDay}), nullif(${of('closed_through')}, '-infinity'), '1 day') that
        where not exists (select from ${pipelineDayTotal} t where t.day = that::date)
        order by that desc limit ${sql.raw(String(MAX_DAYS_SUMMED_AT_ONCE))}),
      summed as (
        insert into ${pipelineDayTotal} (day, ${sumNames}, durations)
        select missing.day, total.* from missing
        cross join lateral (select ${sumsOfDays} from ${pipelineDay} d where d.day = missing.day) total)
      select count(*) as days from missing`,
    ],
    z.object({ days: whole }),
  )
  return row?.days ?? 0
}

/** What to count, and how many statements it may take. */
export interface Count {
  /** The last day to close. */
  lastDay: string
  /** Runs of the day after it are added that started before this time; none if it is not given. */
  until?: string
  maxSteps: number
  mayBegin: () => boolean
}

/** The most that can be counted now. */
export const countableAt = (now: string): Pick<Count, 'lastDay'> & { until: string } => {
  const until = addSeconds(now, -COUNTED_AFTER_SECONDS)
  return { until, lastDay: addSeconds(until, -DAY_SECONDS).slice(0, 10) }
}

/** Counts runs. False if more is left to count. It is safe to run twice at once. */
export const countDays = async (db: Database, { lastDay, until, maxSteps, mayBegin }: Count): Promise<boolean> => {
  const stages: (() => Promise<boolean>)[] = [
    async () => (await closeDays(db, lastDay)) >= lastDay,
    async () => until === undefined || (await addHours(db, until)),
    async () => (await countMarks(db)) < MAX_MARKS_AT_ONCE,
    // A cleanup needs no totals.
    async () => until === undefined || (await sumDays(db)) < MAX_DAYS_SUMMED_AT_ONCE,
  ]
  for (let steps = 0; steps < maxSteps && mayBegin(); steps += 1) {
    if (await stages[0]?.()) stages.shift()
    if (stages.length === 0) return true
  }
  return false
}
