import { getTableColumns, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../db/client.ts'
import { type JsonPage, listing, pageOf, pageRow, rowById } from '../../db/json-list.ts'
import { text } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { pipeline } from '../pipelines/table.ts'
import type { EXECUTION_STATUSES } from './schemas.ts'
import { pipelineExecution } from './table.ts'

/** The columns that clients see: without those that only Watcher needs. */
const {
  idempotency_key: _key,
  guards_start: _guard,
  created_at: _created,
  scheduled_for: _scheduled,
  is_placeholder: _placeholder,
  has_failed_step: _failed,
  openlineage_facets: _facets,
  ...answered
} = getTableColumns(pipelineExecution)

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
  include_steps?: boolean
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
    // Read once for the list: Index Only Scan on pipeline_steps.
    include_steps: (are) =>
      are ? sql`true` : sql`${pipelineExecution.pipeline_id} not in (select ${pipeline.id} from ${pipeline} where ${pipeline.is_step})`,
  },
})

const { openlineage: _openlineage, ...withoutOpenlineage } = answered

const PARTS = { table: pipelineExecution, columns: answered }
const WITH_PARTS = prepare(sql`
  select (${rowById(pipelineExecution, withoutOpenlineage)}) as subject, (
      select jsonb_build_object('run_id', e.openlineage -> 'run_id', 'job', p.openlineage, 'facets', e.openlineage_facets)::text
      from ${pipelineExecution} e join ${pipeline} p on p.id = e.pipeline_id where e.id = ${param('id')} and e.openlineage is not null) as openlineage,
    parts.*
  from (${pageOf(PARTS, [sql`${pipelineExecution.parent_id} = ${param('id')}`])}) parts`)
const withPartsRow = pageRow.extend({ subject: text.nullable(), openlineage: text.nullable() })

/** The execution as JSON, what OpenLineage says of it (JSON too), and its direct parts, at most MAX_CHILDREN; undefined if there is no such execution. */
export const findExecutionWithChildren = async (
  db: Database,
  id: number,
): Promise<{ subject: string; openlineage: string | null; parts: JsonPage } | undefined> => {
  const [row] = await db.rows(WITH_PARTS, withPartsRow, { id, after_id: 0, limit: MAX_CHILDREN, rows: MAX_CHILDREN + 1 })
  if (!row || row.subject === null) return undefined
  const { subject, openlineage, ...parts } = row
  return { subject, openlineage, parts }
}
