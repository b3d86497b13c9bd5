import { sql } from 'drizzle-orm'
import { listing } from '../../db/json-list.ts'
import { param } from '../../db/statement.ts'
import { freshnessPipelineLog } from './table.ts'

/** A page of the log in the order of its ids. */
export const listFreshnessLog = listing<{ pipeline_id?: number }>({
  table: freshnessPipelineLog,
  conditions: { pipeline_id: sql`${freshnessPipelineLog.pipeline_id} = ${param('pipeline_id')}` },
})
