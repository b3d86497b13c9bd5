import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Database } from '../../db/client.ts'
import { untilRow } from '../../db/config-as-code.ts'
import { whole } from '../../db/rows.ts'
import { keep, param, prepare, type Statement } from '../../db/statement.ts'
import { ApiError, bodyFault } from '../../http/errors.ts'
import { hasFraction } from '../../http/instant.ts'
import { stringifyJson } from '../../http/json.ts'
import { pipeline } from '../pipelines/table.ts'
import type { ExecutionStart } from './schemas.ts'
import { pipelineExecution, pipelineExecutionClosure } from './table.ts'

const startedRow = z.object({
  pipeline_id: whole.nullable(),
  parent_id: whole.nullable(),
  created_id: whole.nullable(),
  repeated_id: whole.nullable(),
})

export interface Started {
  id: number
  /** False where an earlier start was the same one. */
  created: boolean
}

/**
 * Starts an execution, with its place in the closure, in one statement. Two kinds of repeats start nothing: one with
 * the same idempotency key, and, for clients that retry without a key, one with the same pipeline, parent and
 * start_date to the microsecond while that execution runs and is younger than five minutes.
 */
export const startExecution = async (
  db: Database,
  body: ExecutionStart,
  idempotencyKey: string | undefined,
  now: string,
): Promise<Started> => {
  const shape = {
    byName: body.pipeline_id === undefined,
    hasKey: idempotencyKey !== undefined,
    guardsStart: body.start_date !== undefined && hasFraction(body.start_date),
  }
  const statement = shapes(JSON.stringify(shape), () => prepare(startStatement(shape)))
  const values = {
    pipeline_id: body.pipeline_id,
    pipeline_name: body.pipeline_name,
    parent_id: body.parent_id ?? null,
    start_date: body.start_date ?? now,
    full_load: body.full_load ?? null,
    watermark: body.watermark ?? null,
    next_watermark: body.next_watermark ?? null,
    metadata: body.execution_metadata ? stringifyJson(body.execution_metadata) : null,
    key: idempotencyKey ?? null,
    now,
  }
  const outcome = await untilRow(async () => {
    const rows = await db.rows(statement, startedRow, values)
    // Nothing created though nothing forbids it: a repeat was committed meanwhile, and the next try sees it.
    return rows.filter(({ pipeline_id, parent_id, created_id, repeated_id }) => {
      const refused = pipeline_id === null || (body.parent_id !== undefined && parent_id === null)
      return refused || created_id !== null || repeated_id !== null
    })
  })
  if (outcome.pipeline_id === null) {
    const named = body.pipeline_id ?? JSON.stringify(body.pipeline_name)
    throw new ApiError('pipeline_not_found', `Pipeline ${named} not found`)
  }
  if (outcome.repeated_id !== null) return { id: outcome.repeated_id, created: false }
  if (outcome.created_id === null) throw bodyFault('unknown_reference', 'parent_id', `parent_id: there is no execution ${body.parent_id}`)
  return { id: outcome.created_id, created: true }
}

/** What the statement's text depends on. */
interface StartShape {
  byName: boolean
  hasKey: boolean
  /** A start on the full second is a schedule's, and may well be meant twice; so is one without a start_date. */
  guardsStart: boolean
}

const startStatement = ({ byName, hasKey, guardsStart }: StartShape): SQL => {
  const startDate = sql`${param('start_date')}::timestamptz`
  const parentId = sql`${param('parent_id')}::bigint`
  const sameStart = sql`e.pipeline_id = t.id and e.guards_start and e.start_date = ${startDate} and coalesce(e.parent_id, 0) = coalesce(${parentId}, 0)`
  const windowBegin = sql`${param('now')}::timestamptz - interval '5 minutes'`
  const none = sql`select null::bigint as id where false`
  const repeats = [
    ...(hasKey
      ? [sql`select e.id from ${pipelineExecution} e join target t on e.pipeline_id = t.id where e.idempotency_key = ${param('key')}`]
      : []),
    ...(guardsStart
      ? [sql`select e.id from ${pipelineExecution} e join target t on ${sameStart} where e.created_at > ${windowBegin}`]
      : []),
  ]
  // An execution that has guarded its start for long enough makes room, or the unique index would refuse the new one.
  const released = guardsStart
    ? sql`update ${pipelineExecution} e set guards_start = false from target t where ${sameStart} and e.created_at <= ${windowBegin} returning e.id`
    : none
  return sql`
    with target as (
      select id, watermark, next_watermark, full_load from ${pipeline}
      where ${byName ? sql`lower(name) = lower(${param('pipeline_name')})` : sql`id = ${param('pipeline_id')}`}),
    parent as (select id from ${pipelineExecution} where id = ${parentId}),
    repeated as (${repeats.length > 0 ? sql.join(repeats, sql` union all `) : none}),
    released as (${released}),
    created as (
      insert into ${pipelineExecution}
        (pipeline_id, parent_id, start_date, full_load, watermark, next_watermark, execution_metadata, idempotency_key, guards_start, created_at)
      select t.id, ${parentId}, ${startDate}, coalesce(${param('full_load')}::boolean, t.full_load),
        coalesce(${param('watermark')}, t.watermark), coalesce(${param('next_watermark')}, t.next_watermark),
        ${param('metadata')}::jsonb, ${param('key')}, ${sql.raw(String(guardsStart))}, ${param('now')}::timestamptz
      from target t
      where (${parentId} is null or exists (select from parent)) and not exists (select from repeated)
        and (select count(*) from released) >= 0 -- read it first: its update must come before this insert
      on conflict do nothing
      returning id),
    closure as (
      insert into ${pipelineExecutionClosure} (ancestor_id, descendant_id, depth)
      select e.id, e.id, 0 from created e
      union all
      select c.ancestor_id, e.id, c.depth + 1 from created e join ${pipelineExecutionClosure} c on c.descendant_id = ${parentId})
    select (select id from target) as pipeline_id, (select id from parent) as parent_id,
      (select id from created) as created_id, (select min(id) from repeated) as repeated_id`
}

const shapes = keep<Statement>()
