import { sql } from 'drizzle-orm'
import { bigint, boolean, check, date, doublePrecision, index, numeric, pgTable, primaryKey } from 'drizzle-orm/pg-core'
import { flag, instant, reference } from '../../db/columns.ts'
import { pipeline } from '../pipelines/table.ts'

const day = () => date({ mode: 'string' })
/** A number of runs, or a sum over them; the sum ends at bigint's maximum. */
const sum = () => bigint({ mode: 'number' }).notNull().default(0)

/**
 * The runs of one pipeline that started on one UTC day, as reports need them. `pipeline_day_progress` says which runs are in it; later
 * ones are counted when a report is read. It stays when the cleanup has deleted the runs.
 */
export const pipelineDay = pgTable(
  'pipeline_day',
  {
    day: day().notNull(),
    pipeline_id: reference(() => pipeline.id).notNull(),
    /** All runs; those that have ended; those of them that failed. */
    executions: sum(),
    ended: sum(),
    failures: sum(),
    inserts: sum(),
    updates: sum(),
    soft_deletes: sum(),
    total_rows: sum(),
    /** The runs with a duration, and the sum of their durations in seconds. */
    timed: sum(),
    seconds: sum(),
    /** For the throughput: rows and seconds of the runs that have both and took at least a second. */
    paced_rows: sum(),
    paced_seconds: sum(),
    /** The exact 95th percentile of durations; null if no run has one, if the day is not closed, or if a late run came after the cleanup. */
    p95_seconds: doublePrecision(),
    /** The histogram of durations: see histogram.ts. */
    durations: numeric().notNull().default('0'),
  },
  (table) => [
    // A report reads a range of days.
    primaryKey({ name: 'pipeline_day_pk', columns: [table.day, table.pipeline_id] }),
    // A report that begins with the failures reads no other row.
    index('pipeline_day_failing').on(table.day, table.pipeline_id, table.failures, table.ended).where(sql`${table.failures} > 0`),
  ],
)

/** A sum over all pipelines: exact, it may be more than a bigint. */
const total = () => numeric({ mode: 'number' }).notNull()

/**
 * The rows of `pipeline_day` of one closed day, summed up: a report on all pipelines need not read ten thousand rows a day. Who changes a
 * day's rows deletes its row here; the next count sums it up again, and until then readers do.
 */
export const pipelineDayTotal = pgTable('pipeline_day_total', {
  day: day().primaryKey(),
  executions: total(),
  ended: total(),
  failures: total(),
  inserts: total(),
  updates: total(),
  soft_deletes: total(),
  total_rows: total(),
  timed: total(),
  seconds: total(),
  paced_rows: total(),
  paced_seconds: total(),
  durations: numeric().notNull(),
})

/**
 * "This run that started some time ago has been recorded, or has ended": its day must be counted again. A start or end appends a row
 * in its own transaction. It has no unique key: a row that another transaction finds, and does not write again, may be deleted before
 * that transaction's change is visible, and then the change is never counted.
 */
export const pipelineDayMark = pgTable('pipeline_day_mark', {
  pipeline_id: reference(() => pipeline.id).notNull(),
  /** Not a foreign key: the cleanup deletes no run that has a mark, and need not look for one. */
  pipeline_execution_id: bigint({ mode: 'number' }).notNull(),
  start_date: instant().notNull(),
  is_end: flag(false),
})

/** How far runs are counted: one row, or none before the first count. */
export const pipelineDayProgress = pgTable(
  'pipeline_day_progress',
  {
    is_only: boolean().primaryKey().default(true),
    /** The days up to this one are closed: they are counted as a whole. */
    closed_through: day(),
    /** The runs that started before this time are in `pipeline_day`. It lies in the day after the last closed one, or at its beginning. */
    counted_until: instant(),
    /** The cleanup may have deleted runs of the days up to this one: they are never counted again as a whole. */
    cleaned_through: day(),
  },
  (table) => [check('pipeline_day_progress_one_row', sql`${table.is_only}`)],
)
