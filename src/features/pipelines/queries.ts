import { and, eq, gt, sql } from 'drizzle-orm'
import { z } from 'zod'
import { METRIC_FIELDS } from '../../db/checks.ts'
import type { Database } from '../../db/client.ts'
import { createOrConfigure, hashConfig } from '../../db/config-as-code.ts'
import { text, truth, whole } from '../../db/rows.ts'
import { stringifyJson } from '../../http/json.ts'
import { type Page, rowsToRead } from '../../http/paging.ts'
import type { Target } from '../../http/patch.ts'
import { anomalyDetectionRule } from '../anomalies/table.ts'
import { pipelineType } from '../pipeline-types/table.ts'
import type { PipelinePost } from './schemas.ts'
import { pipeline } from './table.ts'

const named = (name: string) => sql`lower(name) = lower(${name})`

const createdRow = z.object({ was_created: truth, id: whole, active: truth, load_lineage: truth, watermark: text.nullable() })

/**
 * Creates the pipeline (with its type, where that is new, and with a rule per metric where `autoCreateRules`), or
 * applies its changed configuration and its next watermark.
 */
export const createOrGetPipeline = async (db: Database, body: PipelinePost, autoCreateRules: boolean, now: string) => {
  const { name, next_watermark, pipeline_type_name, pipeline_metadata, ...columns } = body
  // Type names are one name in any case, so their case is no change of configuration.
  const hash = await hashConfig({ ...columns, pipeline_metadata, pipeline_type_name: pipeline_type_name.toLowerCase() })
  const given = Object.entries(columns).map(([column, value]) => [column, value === undefined ? undefined : sql`${value}`])
  return createOrConfigure(
    db,
    {
      table: pipeline,
      matches: named(name),
      references: {
        ctes: [
          sql`type_found as (select id from ${pipelineType} where lower(name) = lower(${pipeline_type_name}))`,
          sql`type_created as (
            insert into ${pipelineType} (name, created_at)
            select ${pipeline_type_name}, ${now}::timestamptz
            where not exists (select from type_found) and not exists (select from found where config_hash = ${hash})
            on conflict do nothing
            returning id)`,
          sql`type as (select id from type_found union all select id from type_created)`,
        ],
        ready: sql`exists (select from type)`,
      },
      initial: { name: sql`${name}` },
      config: {
        ...Object.fromEntries(given),
        pipeline_type_id: sql`(select id from type)`,
        pipeline_metadata: pipeline_metadata === undefined ? undefined : sql`${stringifyJson(pipeline_metadata)}::jsonb`,
      },
      always: { next_watermark: next_watermark === undefined ? undefined : sql`${next_watermark}` },
      hash,
      now,
      afterwards: autoCreateRules
        ? [
            sql`rules as (
              insert into ${anomalyDetectionRule} (pipeline_id, metric_field, created_at)
              select r.id, metric, ${now}::timestamptz from created r cross join unnest(${sql.param([...METRIC_FIELDS])}::text[]) metric)`,
          ]
        : [],
      answer: ['id', 'active', 'load_lineage', 'watermark'],
    },
    createdRow,
  )
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

export const findPipeline = async (db: Database, id: number) => (await db.orm.select().from(pipeline).where(eq(pipeline.id, id)))[0]

/** Writes the given columns; undefined where there is no such pipeline. */
export const updatePipeline = async (db: Database, target: Target, changes: Partial<typeof pipeline.$inferInsert>, now: string) => {
  const [row] = await db.orm
    .update(pipeline)
    .set({ ...changes, updated_at: now })
    .where('id' in target ? eq(pipeline.id, target.id) : named(target.name))
    .returning()
  return row
}
