import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { amount, jsonOf } from '../../db/rows.ts'
import { pipelineType } from './table.ts'

/** The types that a form offers, by name: a column for a page's statement, and the schema that reads it. */
export const typeChoices = sql`(select coalesce(jsonb_agg(to_jsonb(t) order by t.name), '[]') from (select id, name from ${pipelineType} order by name limit 1000) t)`
export const typeChoicesShape = jsonOf(z.array(z.object({ id: amount, name: z.string() })))
