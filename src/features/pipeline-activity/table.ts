import { pgTable } from 'drizzle-orm/pg-core'
import { count, flag, instant, reference } from '../../db/columns.ts'
import { pipeline } from '../pipelines/table.ts'

/** The latest runs of each pipeline in short, for metrics and lists that must not read the history. A sweep keeps it: see keep.sql. */
export const pipelineActivity = pgTable('pipeline_activity', {
  pipeline_id: reference(() => pipeline.id, { onDelete: 'cascade' }).primaryKey(),
  last_start_at: instant().notNull(),
  /** When its last run ended, and how; null: none has ended. */
  last_end_at: instant(),
  last_succeeded: flag(false),
  last_success_at: instant(),
  /** The median of the last successful durations, of at most 50 runs. */
  typical_seconds: count(),
  /** Of the same runs: the longest duration, if there are at least five, and the median of their rows. */
  longest_seconds: count(),
  typical_rows: count(),
  /** Whether one of its last 50 runs was running when the sweep looked. */
  is_running: flag(false),
})
