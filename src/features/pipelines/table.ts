import { type SQLWrapper, sql } from 'drizzle-orm'
import { check, index, integer, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { GRACE_MINUTES } from '../../core/bounds.ts'
import { createdAt, flag, id, instant, jsonObject, reference } from '../../db/columns.ts'
import { between, lengthBetween, threshold } from '../../db/constraints.ts'
import { onCallColumns, onCallConstraints } from '../../db/on-call.ts'
import { pipelineType } from '../pipeline-types/table.ts'

/** A name as a part of a URL: lower case, with `-` for each run of other characters. */
export const slugOf = (name: SQLWrapper) => sql`btrim(regexp_replace(lower(${name}), '[^a-z0-9]+', '-', 'g'), '-')`

export const pipeline = pgTable(
  'pipeline',
  {
    id: id(),
    name: text().notNull(),
    pipeline_type_id: reference(() => pipelineType.id).notNull(),
    watermark: text(),
    next_watermark: text(),
    pipeline_metadata: jsonObject(),
    last_target_insert: instant(),
    last_target_update: instant(),
    last_target_soft_delete: instant(),
    freshness_number: integer(),
    freshness_datepart: text(),
    mute_freshness_check: flag(false),
    timeliness_number: integer(),
    timeliness_datepart: text(),
    mute_timeliness_check: flag(false),
    load_lineage: flag(true),
    full_load: flag(false),
    active: flag(true),
    ...onCallColumns(),
    /** Sorted, each once. */
    tags: text().array().notNull().default(sql`'{}'`),
    /** When runs are expected: a cron in a time zone, or at least every so often. */
    schedule_cron: text(),
    schedule_timezone: text(),
    schedule_number: integer(),
    schedule_datepart: text(),
    schedule_grace_minutes: integer(),
    /** When this schedule began: earlier times are not expected. */
    schedule_from: instant(),
    /** The next scheduled time that the check of schedules will judge; null: it looks for it. Only the check moves both. */
    schedule_slot_at: instant(),
    /** When the check looks at this pipeline again; null: it has no schedule, or is inactive. */
    check_at: instant(),
    /** What may not happen to the watermark (see watermarks/schemas.ts); null: it is not judged. */
    watermark_check: jsonObject(),
    /** How many good runs in a row have not moved the watermark. Only its check counts them. */
    unmoved_runs: integer().notNull().default(0),
    /** Of a pipeline that OpenLineage reports: its job's `namespace` and `name`. */
    openlineage: jsonObject(),
    /** A part of another job, like a stage of Spark: lists leave it out, and it has no thresholds, rules or incidents. */
    is_step: flag(false),
    /** Its runs never end by themselves: how long they take is not judged. */
    is_streaming: flag(false),
    config_hash: text(),
    /** The last DML time that a freshness check logged. It is not logged again after cleanup deletes its log. */
    freshness_logged_for: instant(),
    /** From when a pipeline with a threshold of its own that never loaded is judged: it was made, activated, or the threshold set. */
    freshness_from: instant(),
    created_at: createdAt(),
    updated_at: instant(),
  },
  (table) => [
    // POST /pipeline, start by name, GET /pipeline?name=. It also makes names unique, case-insensitively.
    uniqueIndex('pipeline_name_unique').on(sql`lower(${table.name})`),
    // Lists leave out the steps and their runs.
    index('pipeline_steps').on(table.id).where(sql`is_step`),
    // A ping names its pipeline by a slug.
    index('pipeline_slug').on(slugOf(table.name)),
    // GET /pipeline?pipeline_type_id= pages by id within a type.
    index('pipeline_pipeline_type_id').on(table.pipeline_type_id, table.id),
    // The check of schedules reads what is due, and the minutes of what will be.
    index('pipeline_check_at').on(table.check_at).where(sql`check_at is not null`),
    lengthBetween('pipeline_name_length', table.name, 1, 150),
    lengthBetween('pipeline_watermark_length', table.watermark, 0, 50),
    lengthBetween('pipeline_next_watermark_length', table.next_watermark, 0, 50),
    ...threshold('pipeline_freshness', table.freshness_number, table.freshness_datepart),
    ...threshold('pipeline_timeliness', table.timeliness_number, table.timeliness_datepart),
    ...onCallConstraints('pipeline', table),
    ...threshold('pipeline_schedule', table.schedule_number, table.schedule_datepart),
    check('pipeline_schedule_one', sql`schedule_cron is null or schedule_number is null`),
    between('pipeline_schedule_grace_minutes_range', table.schedule_grace_minutes, GRACE_MINUTES),
  ],
)
