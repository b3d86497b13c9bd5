import { and, eq, getTableColumns, gt, sql } from 'drizzle-orm'
import { z } from 'zod'
import { METRIC_FIELDS } from '../../db/checks.ts'
import type { Database } from '../../db/client.ts'
import { configure, hashConfig } from '../../db/config-as-code.ts'
import { text, truth, whole } from '../../db/rows.ts'
import { param, prepare, readColumns } from '../../db/statement.ts'
import { stringifyJson } from '../../http/json.ts'
import { type Page, rowsToRead } from '../../http/paging.ts'
import type { Target } from '../../http/patch.ts'
import { anomalyDetectionRule } from '../anomalies/table.ts'
import { pipelineType } from '../pipeline-types/table.ts'
import type { PipelinePost } from './schemas.ts'
import { pipeline } from './table.ts'

const named = (name: string) => sql`lower(name) = lower(${name})`

const pipelineConfiguration = {
  table: pipeline,
  matches: sql`lower(name) = lower(${param('name')})`,
  references: {
    ctes: [
      sql`type_found as (select id from ${pipelineType} where lower(name) = lower(${param('pipeline_type_name')}))`,
      sql`type_created as (
        insert into ${pipelineType} (name, created_at)
        select ${param('pipeline_type_name')}, ${param('now')}::timestamptz
        where not exists (select from type_found) and not exists (select from found where config_hash = ${param('config_hash')})
        on conflict do nothing
        returning id)`,
      sql`type as (select id from type_found union all select id from type_created)`,
    ],
    ready: sql`exists (select from type)`,
    columns: { pipeline_type_id: sql`(select id from type)` },
  },
  answer: ['id', 'active', 'load_lineage', 'watermark'],
  row: z.object({ was_created: truth, id: whole, active: truth, load_lineage: truth, watermark: text.nullable() }),
}

const configurePipeline = configure(pipelineConfiguration)

const configurePipelineWithRules = configure({
  ...pipelineConfiguration,
  afterwards: [
    sql`rules as (
      insert into ${anomalyDetectionRule} (pipeline_id, metric_field, created_at)
      select r.id, metric, ${param('now')}::timestamptz from created r cross join unnest(${sql.param([...METRIC_FIELDS])}::text[]) metric)`,
  ],
})

/**
 * Creates the pipeline (with its type, where that is new, and with a rule per metric where `autoCreateRules`), or
 * applies its changed configuration and its next watermark.
 */
export const createOrGetPipeline = async (db: Database, body: PipelinePost, autoCreateRules: boolean, now: string) => {
  const { name, next_watermark, pipeline_type_name, pipeline_metadata, ...columns } = body
  // Type names are one name in any case, so their case is no change of configuration.
  const hash = await hashConfig({ ...columns, pipeline_metadata, pipeline_type_name: pipeline_type_name.toLowerCase() })
  const configureOne = autoCreateRules ? configurePipelineWithRules : configurePipeline
  return configureOne(db, {
    initial: { name },
    config: { ...columns, pipeline_metadata: pipeline_metadata && stringifyJson(pipeline_metadata) },
    always: { next_watermark },
    values: { pipeline_type_name },
    hash,
    now,
  })
}

/** A page of pipelines in the order of their ids. */
export const listPipelines = (db: Database, filters: Page & { name?: string; pipeline_type_id?: number; active?: boolean }) =>
  db.orm
    .select()
    .from(pipeline)
    .where(
      and(
        gt(pipeline.id, filters.after_id),
        filters.name === undefined ? undefined : named(filters.name),
        filters.pipeline_type_id === undefined ? undefined : eq(pipeline.pipeline_type_id, filters.pipeline_type_id),
        filters.active === undefined ? undefined : eq(pipeline.active, filters.active),
      ),
    )
    .orderBy(pipeline.id)
    .limit(rowsToRead(filters))

const findStatement = prepare(sql`select * from ${pipeline} where ${pipeline.id} = ${param('id')}`)
const readPipeline = readColumns(getTableColumns(pipeline))

export const findPipeline = async (db: Database, id: number) => (await db.read(findStatement, readPipeline, { id }))[0]

/** Writes the given columns; undefined where there is no such pipeline. */
export const updatePipeline = async (db: Database, target: Target, changes: Partial<typeof pipeline.$inferInsert>, now: string) => {
  const [row] = await db.orm
    .update(pipeline)
    .set({ ...changes, updated_at: now })
    .where('id' in target ? eq(pipeline.id, target.id) : named(target.name))
    .returning()
  return row
}
