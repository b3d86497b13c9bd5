import { and, eq, getTableColumns, gt, isNull, lt, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../db/client.ts'
import { param, prepare, readJsonRow } from '../../db/statement.ts'
import { type Page, rowsToRead } from '../../http/paging.ts'
import type { EXECUTION_STATUSES } from './schemas.ts'
import { pipelineExecution } from './table.ts'

/** The columns that clients see: without those that detect repeated starts. */
const { idempotency_key: _key, guards_start: _guard, created_at: _created, ...answered } = getTableColumns(pipelineExecution)

export const MAX_CHILDREN = 1000

const STATUS: Record<(typeof EXECUTION_STATUSES)[number], () => SQL> = {
  running: () => isNull(pipelineExecution.end_date),
  succeeded: () => eq(pipelineExecution.completed_successfully, true),
  // This must be a literal: the partial indexes of failed runs do not match a parameter.
  failed: () => sql`${pipelineExecution.completed_successfully} = false`,
}

interface ExecutionFilters extends Page {
  pipeline_id?: number
  parent_id?: number
  status?: keyof typeof STATUS
  started_after?: string
  started_before?: string
}

/** A page of executions in the order of their ids. */
export const listExecutions = (db: Database, filters: ExecutionFilters) =>
  db.orm
    .select(answered)
    .from(pipelineExecution)
    .where(
      and(
        gt(pipelineExecution.id, filters.after_id),
        filters.pipeline_id === undefined ? undefined : eq(pipelineExecution.pipeline_id, filters.pipeline_id),
        filters.parent_id === undefined ? undefined : eq(pipelineExecution.parent_id, filters.parent_id),
        filters.status && STATUS[filters.status](),
        filters.started_after === undefined ? undefined : gt(pipelineExecution.start_date, filters.started_after),
        filters.started_before === undefined ? undefined : lt(pipelineExecution.start_date, filters.started_before),
      ),
    )
    .orderBy(pipelineExecution.id)
    .limit(rowsToRead(filters))

const WITH_CHILDREN = prepare(sql`
  (select row_to_json(e) as row from ${pipelineExecution} e where e.id = ${param('id')})
  union all
  (select row_to_json(e) from ${pipelineExecution} e where e.parent_id = ${param('id')} order by e.id limit ${sql.raw(String(MAX_CHILDREN + 1))})`)
const readExecution = readJsonRow(answered)

/** The execution and its direct parts, at most MAX_CHILDREN + 1; undefined if there is no such execution. */
export const findExecutionWithChildren = async (db: Database, id: number) => {
  const rows = await db.read(WITH_CHILDREN, readExecution, { id })
  const subject = rows.find((row) => row.id === id)
  const children = rows.filter((row) => row.id !== id) as { id: number }[]
  return subject && { subject, children: children.sort((left, right) => left.id - right.id) }
}
