import { getTableColumns, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../db/client.ts'
import { type JsonPage, listing, pageOf, pageRow, rowById } from '../../db/json-list.ts'
import { text } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import type { EXECUTION_STATUSES } from './schemas.ts'
import { pipelineExecution } from './table.ts'

/** The columns that clients see: without those that detect repeated starts. */
const { idempotency_key: _key, guards_start: _guard, created_at: _created, ...answered } = getTableColumns(pipelineExecution)

export const MAX_CHILDREN = 1000

/** Literals: the partial indexes of running and failed runs do not match a parameter. */
const STATUS: Record<(typeof EXECUTION_STATUSES)[number], SQL> = {
  running: sql`${pipelineExecution.end_date} is null`,
  succeeded: sql`${pipelineExecution.completed_successfully} = true`,
  failed: sql`${pipelineExecution.completed_successfully} = false`,
}

interface ExecutionFilters {
  pipeline_id?: number
  parent_id?: number
  status?: keyof typeof STATUS
  started_after?: string
  started_before?: string
}

/** A page of executions in the order of their ids. */
export const listExecutions = listing<ExecutionFilters>({
  table: pipelineExecution,
  columns: answered,
  conditions: {
    pipeline_id: sql`${pipelineExecution.pipeline_id} = ${param('pipeline_id')}`,
    parent_id: sql`${pipelineExecution.parent_id} = ${param('parent_id')}`,
    status: (status) => STATUS[status],
    started_after: sql`${pipelineExecution.start_date} > ${param('started_after')}`,
    started_before: sql`${pipelineExecution.start_date} < ${param('started_before')}`,
  },
})

const PARTS = { table: pipelineExecution, columns: answered }
const WITH_PARTS = prepare(sql`
  select (${rowById(pipelineExecution, answered)}) as subject, parts.*
  from (${pageOf(PARTS, [sql`${pipelineExecution.parent_id} = ${param('id')}`])}) parts`)
const withPartsRow = pageRow.extend({ subject: text.nullable() })

/** The execution as JSON, and its direct parts, at most MAX_CHILDREN; undefined if there is no such execution. */
export const findExecutionWithChildren = async (db: Database, id: number): Promise<{ subject: string; parts: JsonPage } | undefined> => {
  const [row] = await db.rows(WITH_PARTS, withPartsRow, { id, after_id: 0, limit: MAX_CHILDREN, rows: MAX_CHILDREN + 1 })
  if (!row || row.subject === null) return undefined
  const { subject, ...parts } = row
  return { subject, parts }
}
