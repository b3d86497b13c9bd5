import { sql } from 'drizzle-orm'
import {
  type AnyPgColumn,
  boolean,
  check,
  date,
  doublePrecision,
  index,
  integer,
  pgTable,
  primaryKey,
  smallint,
  text,
  uniqueIndex,
} from 'drizzle-orm/pg-core'
import { count, createdAt, flag, id, instant, jsonObject, reference } from '../../db/columns.ts'
import { atLeast, lengthBetween } from '../../db/constraints.ts'
import { pipeline } from '../pipelines/table.ts'

export const pipelineExecution = pgTable(
  'pipeline_execution',
  {
    id: id(),
    pipeline_id: reference(() => pipeline.id).notNull(),
    parent_id: reference((): AnyPgColumn => pipelineExecution.id),
    start_date: instant().notNull(),
    date_recorded: date({ mode: 'string' }).notNull().generatedAlwaysAs(sql`(start_date at time zone 'UTC')::date`),
    hour_recorded: smallint().notNull().generatedAlwaysAs(sql`extract(hour from start_date at time zone 'UTC')::smallint`),
    end_date: instant(),
    duration_seconds: count(),
    completed_successfully: boolean(),
    inserts: count(),
    updates: count(),
    soft_deletes: count(),
    total_rows: count(),
    throughput: doublePrecision(),
    full_load: flag(false),
    watermark: text(),
    next_watermark: text(),
    execution_metadata: jsonObject(),
    idempotency_key: text(),
    /** While true, a start with the same pipeline, parent and start_date counts as a repeat of this one. */
    guards_start: flag(false),
    /** The scheduled time that it covers, where the client says so: in the place of start_date. */
    scheduled_for: instant(),
    /** Named as the parent of another run, and not seen itself yet: it is not judged. */
    is_placeholder: flag(false),
    /** It has succeeded, but a step of it failed: no clean success. */
    has_failed_step: flag(false),
    /** Of a run that came through OpenLineage: `run_id`; and the facets of its last event. */
    openlineage: jsonObject(),
    openlineage_facets: jsonObject(),
    /** When the start reached Watcher; start_date is the client's. */
    created_at: createdAt(),
  },
  (table) => [
    // GET /pipeline_execution?pipeline_id= pages by id within a pipeline.
    index('pipeline_execution_pipeline_id').on(table.pipeline_id, table.id),
    // One pipeline's runs of a day, or of the chart's period.
    index('pipeline_execution_of_pipeline_by_start').on(table.pipeline_id, table.start_date),
    // GET /pipeline_execution/{id} lists the direct parts. Deleting a parent looks them up for the foreign key.
    index('pipeline_execution_parent_id').on(table.parent_id, table.id).where(sql`parent_id is not null`),
    // GET /pipeline_execution?status=running.
    index('pipeline_execution_running').on(table.id).where(sql`end_date is null`),
    // GET /pipeline_execution?status=failed, of all pipelines and of one.
    index('pipeline_execution_failed').on(table.id).where(sql`completed_successfully = false`),
    index('pipeline_execution_failed_of_pipeline').on(table.pipeline_id, table.id).where(sql`completed_successfully = false`),
    // The last runs that succeeded with a failed step.
    index('pipeline_execution_failed_step').on(table.pipeline_id, table.id).where(sql`has_failed_step`),
    // GET /pipeline_execution?started_after=&started_before=.
    index('pipeline_execution_start_date').on(table.start_date),
    // The check of schedules looks for the run that covers a scheduled time.
    index('pipeline_execution_scheduled_for').on(table.pipeline_id, table.scheduled_for).where(sql`scheduled_for is not null`),
    // The timeliness check reads runs that ended since the last check: Index Scan on end_date.
    index('pipeline_execution_ended').on(table.end_date).where(sql`completed_successfully`),
    // Anomaly detection reads a pipeline's successful runs of one hour of the day (Index Scan, one per rule), and its latest one.
    index('pipeline_execution_baseline')
      .on(table.pipeline_id, table.hour_recorded, table.end_date, table.id)
      .where(sql`completed_successfully`),
    // A start with an Idempotency-Key is recorded once.
    uniqueIndex('pipeline_execution_idempotency_key_unique')
      .on(table.pipeline_id, table.idempotency_key)
      .where(sql`idempotency_key is not null`),
    // A start that a client retries without a key is recorded once, however many arrive together.
    uniqueIndex('pipeline_execution_start_unique')
      .on(table.pipeline_id, table.start_date, sql`coalesce(parent_id, 0)`)
      .where(sql`guards_start`),
    check('pipeline_execution_parent_is_another', sql`parent_id <> id`),
    check('pipeline_execution_end_after_start', sql`end_date >= start_date`),
    check('pipeline_execution_outcome_with_end', sql`(end_date is null) = (completed_successfully is null)`),
    atLeast('pipeline_execution_duration_seconds_range', table.duration_seconds, 0),
    atLeast('pipeline_execution_inserts_range', table.inserts, 0),
    atLeast('pipeline_execution_updates_range', table.updates, 0),
    atLeast('pipeline_execution_soft_deletes_range', table.soft_deletes, 0),
    atLeast('pipeline_execution_total_rows_range', table.total_rows, 0),
    lengthBetween('pipeline_execution_watermark_length', table.watermark, 0, 50),
    lengthBetween('pipeline_execution_next_watermark_length', table.next_watermark, 0, 50),
    lengthBetween('pipeline_execution_idempotency_key_length', table.idempotency_key, 1, 200),
  ],
)

/** Every pair of an ancestor and a descendant among nested executions; each execution with itself at depth 0. */
export const pipelineExecutionClosure = pgTable(
  'pipeline_execution_closure',
  {
    ancestor_id: reference(() => pipelineExecution.id, { onDelete: 'cascade' }).notNull(),
    descendant_id: reference(() => pipelineExecution.id, { onDelete: 'cascade' }).notNull(),
    depth: integer().notNull(),
  },
  (table) => [
    // A start reads the ancestors of its parent.
    primaryKey({ name: 'pipeline_execution_closure_pk', columns: [table.descendant_id, table.ancestor_id] }),
    // Deleting an execution deletes its pairs as an ancestor: Index Scan. It also finds a whole tree from its root.
    index('pipeline_execution_closure_ancestor').on(table.ancestor_id, table.descendant_id),
    check('pipeline_execution_closure_depth', sql`(depth = 0) = (ancestor_id = descendant_id) and depth >= 0`),
  ],
)

/** What a client has sent as text about a run: the body of a ping. */
export const pipelineExecutionLog = pgTable(
  'pipeline_execution_log',
  {
    id: id(),
    pipeline_id: reference(() => pipeline.id).notNull(),
    /** null: the pipeline had no run. */
    pipeline_execution_id: reference(() => pipelineExecution.id, { onDelete: 'cascade' }),
    received_at: instant().notNull(),
    /** What it came with: `start`, `success`, `fail` or `log`. */
    source: text().notNull(),
    body: text().notNull(),
  },
  (table) => [
    // A run's page shows its log, and deleting the run deletes it.
    index('pipeline_execution_log_of_execution').on(table.pipeline_execution_id, table.id),
    // The cleanup deletes by age what belongs to no run.
    index('pipeline_execution_log_received_at').on(table.received_at).where(sql`pipeline_execution_id is null`),
  ],
)
