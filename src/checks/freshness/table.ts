import { sql } from 'drizzle-orm'
import { boolean, check, index, integer, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { createdAt, id, instant, reference } from '../../db/columns.ts'
import { DATEPARTS, oneOf } from '../../db/constraints.ts'
import { pipeline } from '../../features/pipelines/table.ts'

export const freshnessPipelineLog = pgTable(
  'freshness_pipeline_log',
  {
    id: id(),
    pipeline_id: reference(() => pipeline.id).notNull(),
    last_dml_timestamp: instant().notNull(),
    evaluation_timestamp: instant().notNull(),
    freshness_number: integer().notNull(),
    freshness_datepart: text().notNull(),
    used_child_config: boolean().notNull(),
    created_at: createdAt(),
  },
  (table) => [
    // A stale pipeline is logged once per last DML timestamp.
    uniqueIndex('freshness_pipeline_log_once').on(table.pipeline_id, table.last_dml_timestamp),
    // Cleanup deletes rows older than the retention: Index Scan.
    index('freshness_pipeline_log_last_dml_timestamp').on(table.last_dml_timestamp),
    oneOf('freshness_pipeline_log_datepart_known', table.freshness_datepart, DATEPARTS),
    check('freshness_pipeline_log_number_range', sql`freshness_number >= 1`),
  ],
)
