import { pgTable, text } from 'drizzle-orm/pg-core'
import { instant } from './columns.ts'

/** The SQL functions that some version has wanted here (see tools/functions.ts): what none wants for long can be dropped. */
export const sqlFunction = pgTable('sql_function', {
  name: text().primaryKey(),
  /** When a migration last created it, or found it there. */
  last_wanted_at: instant().notNull(),
})
