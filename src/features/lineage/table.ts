import { sql } from 'drizzle-orm'
import { check, index, integer, pgTable, primaryKey } from 'drizzle-orm/pg-core'
import { createdAt, flag, instant, reference } from '../../db/columns.ts'
import { address } from '../addresses/table.ts'
import { pipeline } from '../pipelines/table.ts'

/** "This pipeline reads source and writes target." Several pipelines may own the same edge. */
export const addressLineage = pgTable(
  'address_lineage',
  {
    pipeline_id: reference(() => pipeline.id).notNull(),
    source_address_id: reference(() => address.id).notNull(),
    target_address_id: reference(() => address.id).notNull(),
    /** When an event of OpenLineage last had it; null: it came through the API. */
    last_seen_at: instant(),
    created_at: createdAt(),
  },
  (table) => [
    // A lineage post reads the edges that the pipeline owns.
    primaryKey({ name: 'address_lineage_pk', columns: [table.pipeline_id, table.source_address_id, table.target_address_id] }),
    // The closure's update walks from a source to its targets, and looks up whether another pipeline owns an edge.
    index('address_lineage_source').on(table.source_address_id, table.target_address_id),
    // The closure's update walks from a target back to its sources.
    index('address_lineage_target').on(table.target_address_id, table.source_address_id),
  ],
)

/**
 * The addresses for which the closure's rows must be computed again, after a change that was too large to do it at once (see
 * complete_closure.sql). Normally empty.
 */
export const addressLineagePending = pgTable('address_lineage_pending', {
  address_id: reference(() => address.id).primaryKey(),
  /** False: edges from this address have changed, and everything upstream of it must be listed too. */
  is_expanded: flag(false),
})

/** Every pair of a source and a target that it reaches, with the smallest number of edges between them. */
export const addressLineageClosure = pgTable(
  'address_lineage_closure',
  {
    source_address_id: reference(() => address.id).notNull(),
    target_address_id: reference(() => address.id).notNull(),
    depth: integer().notNull(),
  },
  (table) => [
    // GET /address_lineage downstream, and every write of a pair.
    primaryKey({ name: 'address_lineage_closure_pk', columns: [table.source_address_id, table.target_address_id] }),
    // GET /address_lineage upstream, and the closure's update, which finds everything upstream of a source.
    index('address_lineage_closure_target').on(table.target_address_id, table.source_address_id),
    check('address_lineage_closure_depth', sql`(depth = 0) = (source_address_id = target_address_id) and depth >= 0`),
  ],
)
