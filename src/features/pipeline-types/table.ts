import { sql } from 'drizzle-orm'
import { integer, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { createdAt, flag, id, instant } from '../../db/columns.ts'
import { lengthBetween, threshold } from '../../db/constraints.ts'
import { onCallColumns, onCallConstraints } from '../../db/on-call.ts'

export const pipelineType = pgTable(
  'pipeline_type',
  {
    id: id(),
    name: text().notNull(),
    freshness_number: integer(),
    freshness_datepart: text(),
    mute_freshness_check: flag(false),
    timeliness_number: integer(),
    timeliness_datepart: text(),
    mute_timeliness_check: flag(false),
    ...onCallColumns(),
    config_hash: text(),
    created_at: createdAt(),
    updated_at: instant(),
  },
  (table) => [
    // POST /pipeline and POST /pipeline_type look up the name. It also makes names unique, case-insensitively.
    uniqueIndex('pipeline_type_name_unique').on(sql`lower(${table.name})`),
    lengthBetween('pipeline_type_name_length', table.name, 1, 150),
    ...threshold('pipeline_type_freshness', table.freshness_number, table.freshness_datepart),
    ...threshold('pipeline_type_timeliness', table.timeliness_number, table.timeliness_datepart),
    ...onCallConstraints('pipeline_type', table),
  ],
)
