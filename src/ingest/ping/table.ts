import { bigint, pgTable, uniqueIndex, uuid } from 'drizzle-orm/pg-core'
import { instant, reference } from '../../db/columns.ts'
import { pipeline } from '../../features/pipelines/table.ts'

/** What pings need to know of a pipeline: one row for each pipeline that was pinged, or has a ping URL. */
export const ping = pgTable(
  'ping',
  {
    pipeline_id: reference(() => pipeline.id).primaryKey(),
    /** The secret of its ping URL; null: it has none. */
    uuid: uuid(),
    uuid_made_at: instant(),
    /** The run that a ping without `rid` has started and none has ended. Not a foreign key: the cleanup deletes runs of any age. */
    execution_id: bigint({ mode: 'number' }),
  },
  // A ping by URL.
  (table) => [uniqueIndex('ping_uuid_unique').on(table.uuid)],
)
