import { sql } from 'drizzle-orm'
import { boolean, check, index, integer, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { count, createdAt, id, reference } from '../../db/columns.ts'
import { DATEPARTS, oneOf } from '../../db/constraints.ts'
import { pipelineExecution } from '../../features/executions/table.ts'
import { pipeline } from '../../features/pipelines/table.ts'
import { RUN_STATUSES } from './schemas.ts'

export const timelinessPipelineExecutionLog = pgTable(
  'timeliness_pipeline_execution_log',
  {
    id: id(),
    pipeline_execution_id: reference(() => pipelineExecution.id, { onDelete: 'cascade' }).notNull(),
    pipeline_id: reference(() => pipeline.id).notNull(),
    duration_seconds: count().notNull(),
    seconds_threshold: count().notNull(),
    execution_status: text().notNull(),
    timely_number: integer().notNull(),
    timely_datepart: text().notNull(),
    used_child_config: boolean().notNull(),
    created_at: createdAt(),
  },
  (table) => [
    // Each late execution is logged once.
    uniqueIndex('timeliness_pipeline_execution_log_once').on(table.pipeline_execution_id),
    // GET /timeliness_log?pipeline_id= pages by id within a pipeline.
    index('timeliness_pipeline_execution_log_pipeline_id').on(table.pipeline_id, table.id),
    oneOf('timeliness_pipeline_execution_log_status_known', table.execution_status, RUN_STATUSES),
    oneOf('timeliness_pipeline_execution_log_datepart_known', table.timely_datepart, DATEPARTS),
    check('timeliness_pipeline_execution_log_number_range', sql`timely_number >= 1`),
  ],
)
