import { sql } from 'drizzle-orm'
import { bigint, jsonb, pgTable, text } from 'drizzle-orm/pg-core'
import { createdAt, instant } from '../../db/columns.ts'

/**
 * How far `npm run import` has come: one row for each table of the original. It is written with each batch, in the batch's transaction, so
 * that an import that was killed goes on where it stopped.
 */
export const importProgress = pgTable('import_progress', {
  /** The original's table. */
  name: text().primaryKey(),
  /** Rows up to this key (an id in most tables) have been read. */
  last_key: bigint({ mode: 'number' }).notNull().default(0),
  rows_read: bigint({ mode: 'number' }).notNull().default(0),
  rows_written: bigint({ mode: 'number' }).notNull().default(0),
  /** The number of rows by the reason for which they were not written. */
  skipped: jsonb().notNull().default(sql`'{}'`),
  /** The number of written rows by what was changed about them. */
  changed: jsonb().notNull().default(sql`'{}'`),
  created_at: createdAt(),
  updated_at: instant(),
})
