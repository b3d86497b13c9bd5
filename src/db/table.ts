import { pgTable, text } from 'drizzle-orm/pg-core'
import { instant } from './columns.ts'

/** The SQL functions that deployed versions have used (see tools/functions.ts): a function that is unused for long can be dropped. */
export const sqlFunction = pgTable('sql_function', {
  name: text().primaryKey(),
  /** When `db:migrate` last created it or found it. */
  last_wanted_at: instant().notNull(),
})
