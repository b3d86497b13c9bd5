import { getTableName, type SQL, sql } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import { addSeconds } from '../../core/instant.ts'
import type { Database } from '../../db/client.ts'
import { whole } from '../../db/rows.ts'
import { keep, param, prepare, type Statement } from '../../db/statement.ts'
import { incident } from '../../incidents/table.ts'
import { job, kindsValue } from '../../jobs/table.ts'
import { silence } from '../../notifications/table.ts'
import { pipelineExecution, pipelineExecutionClosure, pipelineExecutionLog } from '../executions/table.ts'
import type { House } from '../feature.ts'
import { pipelineDay, pipelineDayMark, pipelineDayProgress, pipelineDayTotal } from '../pipeline-days/table.ts'

/** The name of a table's count, for example `total_pipeline_executions_deleted`. */
const totalOf = (table: PgTable): string => `total_${getTableName(table)}s_deleted`

/** The UTC day of the cutoff: some of its runs are deleted. */
const CUTOFF_DAY = sql`(${param('cutoff')}::timestamptz at time zone 'UTC')::date`

/** One step of a batch: the CTEs that delete from a table. The last of them has a row for each deleted row. */
interface Deletion {
  table: PgTable
  ctes: (name: SQL) => SQL
}

/** Deletes the rows of the executions in the CTE `leaf`. The foreign keys would cascade, but would not count the rows. */
const withExecution = (table: PgTable, column = sql`pipeline_execution_id`): Deletion => ({
  table,
  ctes: (name) => sql`${name} as (delete from ${table} t using leaf where t.${column} = leaf.id returning 1)`,
})

/** Deletes rows whose `moment` is before the cutoff. Rows that another cleanup has locked are left to it. */
const byMoment = (table: PgTable, moment: SQL, more = sql``): Deletion => ({
  table,
  ctes: (name) => sql`
    ${name}_old as (
      select id from ${table} where ${more} ${moment} < ${param('cutoff')}::timestamptz
      order by ${moment} limit ${param('batch_size')}::integer for update skip locked),
    ${name} as (delete from ${table} t using ${name}_old old where t.id = old.id returning 1)`,
})

/** What a batch deletes, in the order of the answer: executions with their rows, then logs and jobs by their own age. */
const deletionsOf = ({ checks, jobKinds }: House): Deletion[] => {
  const logs = checks.map(({ log }) => log)
  return [
    {
      table: pipelineExecution,
      ctes: (name) => sql`${name} as (delete from ${pipelineExecution} e using leaf where e.id = leaf.id returning 1)`,
    },
    ...logs.flatMap(({ table, goesWith }) => (goesWith === 'its execution' ? [withExecution(table)] : [])),
    withExecution(pipelineExecutionClosure, sql`descendant_id`),
    withExecution(pipelineExecutionLog),
    ...logs.flatMap(({ table, goesWith }) =>
      goesWith === 'its execution' ? [] : [byMoment(table, sql`${sql.identifier(goesWith.name)}`)],
    ),
    byMoment(job, sql`finished_at`, sql`kind = any(${kindsValue(jobKinds)}) and`),
    // What a person has resolved stays so, as long as nothing of the kind comes after it.
    byMoment(
      incident,
      sql`resolved_at`,
      sql`resolved_at is not null and (resolved_by in ('auto', 'muted') or pipeline_id is null or exists (
        select from ${incident} next
        where coalesce(next.pipeline_id, 0) = coalesce(${incident}.pipeline_id, 0) and next.kind = ${incident}.kind and next.subject = ${incident}.subject
          and next.id > ${incident}.id)) and`,
    ),
    byMoment(silence, sql`ends_at`, sql`ends_at is not null and`),
    {
      table: pipelineDay,
      ctes: (name) => sql`
        ${name} as (
          delete from ${pipelineDay} where ctid = any(array(
            select ctid from ${pipelineDay} where day < ${param('day_cutoff')}::date order by day limit ${param('batch_size')}::integer for update skip locked))
          returning 1)`,
    },
  ]
}

/** The names of the counts, in the order of the answer. */
export const totalsOf = (house: House): string[] => deletionsOf(house).map(({ table }) => totalOf(table))

/**
 * One batch in one transaction: at most `batch_size` executions with their rows, and at most `batch_size` rows of each table
 * that is cleaned by age. An execution is deleted if it is old, has ended and has no child. Parents follow in a later batch,
 * when their children are gone; a parent with a young or running descendant keeps a child, so it stays. Index Scan on
 * start_date, oldest first. Rows that another cleanup has locked are left to it (`skip locked`). No child can start below an
 * execution that is locked here. If a child is committed just before the lock, the foreign key refuses the batch, and the
 * next batch sees the child. Only runs go that their day has counted: its day is closed, and no mark waits. The same statement
 * records that the days up to the cutoff are never counted again.
 */
const deleteBatchOf = (house: House): Statement => {
  const deletions = deletionsOf(house).map((deletion, index) => ({ ...deletion, name: sql.raw(`deleted_${index}`) }))
  return prepare(sql`
    with leaf as (
      select e.id from ${pipelineExecution} e
      where e.start_date < ${param('cutoff')}::timestamptz and e.end_date is not null
        and e.start_date < ((select closed_through from ${pipelineDayProgress}) + 1)::timestamp at time zone 'UTC'
        and not exists (select from ${pipelineDayMark} m where m.pipeline_execution_id = e.id)
        and not exists (select from ${pipelineExecution} child where child.parent_id = e.id)
      order by e.start_date, e.id
      limit ${param('batch_size')}::integer
      for update skip locked),
    uncountable as (
      update ${pipelineDayProgress} set cleaned_through = ${CUTOFF_DAY}
      where coalesce(cleaned_through, '-infinity') < ${CUTOFF_DAY}),
    unsummed as (delete from ${pipelineDayTotal} where day < ${param('day_cutoff')}::date),
    ${sql.join(
      deletions.map(({ ctes, name }) => ctes(name)),
      sql`, `,
    )}
    select ${sql.join(
      deletions.map(({ table, name }) => sql`(select count(*) from ${name}) as ${sql.identifier(totalOf(table))}`),
      sql`, `,
    )}`)
}

const statements = keep<Statement>()

/** How many rows of each table were deleted, by the names of `totalsOf`. */
export type Deleted = Record<string, number>

const deletedRow = z.record(z.string(), whole)

/** Before these times rows are old: runs and logs, and their counts by day. */
export interface Cutoffs {
  cutoff: string
  dayCutoff: string
}

/** Deletes one batch of rows before the cutoffs. */
export const deleteBatch = async (db: Database, house: House, { cutoff, dayCutoff }: Cutoffs, batchSize: number): Promise<Deleted> => {
  const statement = statements(totalsOf(house).join(), () => deleteBatchOf(house))
  const [row] = await db.rows(statement, deletedRow, { cutoff, day_cutoff: dayCutoff.slice(0, 10), batch_size: batchSize })
  if (!row) throw new Error('expected one row of counts')
  return row
}

/** The time before which rows are old. */
export const cutoffOf = (now: string, retentionDays: number): string => addSeconds(now, -retentionDays * 24 * 60 * 60)
