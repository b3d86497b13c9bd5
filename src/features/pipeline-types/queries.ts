import { eq, getTableColumns, sql } from 'drizzle-orm'
import { stringifyJson } from '../../core/json.ts'
import { type CreatedOrExisting, callFunction } from '../../db/call.ts'
import type { Database } from '../../db/client.ts'
import { hashConfig } from '../../db/config-hash.ts'
import { FUNCTIONS } from '../../db/functions.ts'
import { finding, listing } from '../../db/json-list.ts'
import { param, prepare } from '../../db/statement.ts'
import { mayMakeLate } from '../../db/thresholds.ts'
import type { Target } from '../../http/patch.ts'
import type { PipelineTypePost } from './schemas.ts'
import { pipelineType } from './table.ts'

const named = (name: string) => sql`lower(name) = lower(${name})`

/** create-or-get.sql describes the function's contract. */
const CREATE_OR_GET =
  prepare(sql`select row_to_json(r) as row from ${sql.raw(FUNCTIONS.create_or_get_pipeline_type)}(p_name => ${param('name')},
  p_config => ${param('config')}, p_config_hash => ${param('config_hash')}, p_now => ${param('now')}) r`)

/** Creates the type or applies its changed configuration. */
export const createOrGetPipelineType = async (db: Database, { name, ...config }: PipelineTypePost, now: string) => {
  return callFunction<CreatedOrExisting>(db, CREATE_OR_GET, {
    name,
    config: stringifyJson(config),
    config_hash: await hashConfig(config),
    now,
  })
}

/** A page of types in the order of their ids. */
export const listPipelineTypes = listing<{ name?: string }>({
  table: pipelineType,
  conditions: { name: sql`lower(${pipelineType.name}) = lower(${param('name')})` },
})

export const findPipelineType = finding(pipelineType)

/** Writes the given columns; undefined if there is no such type. Returns the row, and the ids of the jobs to send. */
export const updatePipelineType = async (db: Database, target: Target, changes: Partial<typeof pipelineType.$inferInsert>, now: string) => {
  const [row] = await db.orm
    .update(pipelineType)
    .set({ ...changes, updated_at: now })
    .where('id' in target ? eq(pipelineType.id, target.id) : named(target.name))
    .returning({
      ...getTableColumns(pipelineType),
      job_id: mayMakeLate(changes) ? sql<string>`${sql.raw(FUNCTIONS.request_deadlines)}(${now}::timestamptz)` : sql<null>`null`,
    })
  if (!row) return undefined
  const { job_id, ...changed } = row
  return { row: changed, jobIds: job_id === null ? [] : [Number(job_id)] }
}
