import { and, eq, gt } from 'drizzle-orm'
import type { Database } from '../../db/client.ts'
import { type Page, rowsToRead } from '../../http/paging.ts'
import { freshnessPipelineLog } from './table.ts'

/** A page of the log in the order of its ids. */
export const listFreshnessLog = (db: Database, filters: Page & { pipeline_id?: number }) =>
  db.orm
    .select()
    .from(freshnessPipelineLog)
    .where(
      and(
        gt(freshnessPipelineLog.id, filters.after_id),
        filters.pipeline_id === undefined ? undefined : eq(freshnessPipelineLog.pipeline_id, filters.pipeline_id),
      ),
    )
    .orderBy(freshnessPipelineLog.id)
    .limit(rowsToRead(filters))
