import { and, eq, getTableColumns, type SQL, sql } from 'drizzle-orm'
import { stringifyJson } from '../../core/json.ts'
import { callFunction } from '../../db/call.ts'
import type { Database } from '../../db/client.ts'
import { hashConfig } from '../../db/config-hash.ts'
import { FUNCTIONS } from '../../db/functions.ts'
import { finding, listing } from '../../db/json-list.ts'
import { param, prepare } from '../../db/statement.ts'
import type { Target } from '../../http/patch.ts'
import { incident } from '../../incidents/table.ts'
import type { PipelinePost } from './schemas.ts'
import { pipeline } from './table.ts'

/** The columns that clients see: without the one that only the freshness check uses. */
const { freshness_logged_for: _logged, ...answered } = getTableColumns(pipeline)

const named = (name: string) => sql`lower(name) = lower(${name})`

/** create-or-get.sql describes the function's contract. */
const CREATE_OR_GET = prepare(sql`select row_to_json(r) as row from ${sql.raw(FUNCTIONS.create_or_get_pipeline)}(p_name => ${param('name')},
  p_type_name => ${param('type_name')}, p_config => ${param('config')}, p_config_hash => ${param('config_hash')},
  p_next_watermark => ${param('next_watermark')}, p_create_rules => ${param('create_rules')}, p_now => ${param('now')}) r`)

interface Created {
  outcome: 'created' | 'existing'
  id: number
  active: boolean
  load_lineage: boolean
  watermark: string | null
}

/**
 * Creates the pipeline (with its type if that is new, and with a rule per metric if `createRules`), or applies its changed
 * configuration and its next watermark.
 */
export const createOrGetPipeline = async (db: Database, body: PipelinePost, createRules: boolean, now: string) => {
  const { name, next_watermark, pipeline_type_name, ...config } = body
  return callFunction<Created>(db, CREATE_OR_GET, {
    name,
    type_name: pipeline_type_name,
    config: stringifyJson(config),
    // Type names are case-insensitive: another case is not a changed configuration.
    config_hash: await hashConfig({ ...config, pipeline_type_name: pipeline_type_name.toLowerCase() }),
    next_watermark: next_watermark ?? null,
    create_rules: createRules,
    now,
  })
}

/** A page of pipelines in the order of their ids. */
export const listPipelines = listing<{ name?: string; pipeline_type_id?: number; active?: boolean }>({
  table: pipeline,
  columns: answered,
  conditions: {
    name: sql`lower(${pipeline.name}) = lower(${param('name')})`,
    pipeline_type_id: sql`${pipeline.pipeline_type_id} = ${param('pipeline_type_id')}`,
    active: sql`${pipeline.active} = ${param('active')}`,
  },
})

export const findPipeline = finding(pipeline, answered)

/** The kinds of incidents that a change ends, as a condition on the column `kind`; undefined if it ends none. */
const endedBy = ({ active, mute_timeliness_check, mute_freshness_check }: Partial<typeof pipeline.$inferInsert>): SQL | undefined => {
  if (active === false) return sql`true`
  const kinds = [...(mute_timeliness_check ? ['late'] : []), ...(mute_freshness_check ? ['stale'] : [])]
  return kinds.length === 0 ? undefined : sql`i.kind in (${sql.raw(kinds.map((kind) => `'${kind}'`).join(', '))})`
}

/** Writes the given columns, and resolves the incidents that a mute or a deactivation ends; undefined if there is no such pipeline. */
export const updatePipeline = async (db: Database, target: Target, changes: Partial<typeof pipeline.$inferInsert>, now: string) => {
  const condition = 'id' in target ? eq(pipeline.id, target.id) : named(target.name)
  const kinds = endedBy(changes)
  const ended =
    kinds &&
    sql`select count(${sql.raw(FUNCTIONS.resolve_incident)}(i.id, 'muted', null, ${now}::timestamptz)) from ${incident} i
      where i.pipeline_id in (select id from ${pipeline} where ${condition}) and i.resolved_at is null and ${kinds}`
  const [row] = await db.orm
    .update(pipeline)
    .set({ ...changes, updated_at: now })
    .where(ended ? and(condition, sql`(${ended}) >= 0`) : condition)
    .returning(answered)
  return row
}
