import { getTableColumns, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../db/client.ts'
import { listing } from '../../db/json-list.ts'
import { param, prepare, readJsonRow } from '../../db/statement.ts'
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
  pipeline_id?: number | undefined
  parent_id?: number | undefined
  status?: keyof typeof STATUS | undefined
  started_after?: string | undefined
  started_before?: string | undefined
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
