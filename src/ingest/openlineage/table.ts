import { bigint, boolean, index, jsonb, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { instant, reference } from '../../db/columns.ts'
import { address } from '../../features/addresses/table.ts'
import { pipelineExecution } from '../../features/executions/table.ts'
import { pipelineType } from '../../features/pipeline-types/table.ts'
import { pipeline } from '../../features/pipelines/table.ts'

/** What is known, by name: {"k": key, "v": value}. merge-facts.sql says which of two stays. */
const facts = () => jsonb().notNull()

/** A job of OpenLineage: the pipeline that it is. */
export const openlineageJob = pgTable(
  'openlineage_job',
  {
    /** Namespace and name, exactly: JSON of both, or a hash where that is long. */
    key: text().primaryKey(),
    pipeline_id: reference(() => pipeline.id).notNull(),
    /** The type and the owner that were written last: another one is a person's, and stays. */
    type_id: reference(() => pipelineType.id).notNull(),
    owner: text(),
    facts: facts(),
  },
  // Deleting a pipeline.
  (table) => [uniqueIndex('openlineage_job_pipeline_unique').on(table.pipeline_id)],
)

/** A run of OpenLineage: the execution that it is. */
export const openlineageRun = pgTable(
  'openlineage_run',
  {
    pipeline_id: reference(() => pipeline.id).notNull(),
    /** The run's id, a UUID in lower case; a hash where it is long. */
    key: text().notNull(),
    /** null only inside of the transaction that makes the run. */
    execution_id: reference(() => pipelineExecution.id, { onDelete: 'cascade' }),
    /** The execution that its events name as its parent; on a cycle that is not its parent. Not a foreign key: the cleanup deletes parents. */
    stated_parent_id: bigint({ mode: 'number' }),
    facts: facts(),
  },
  (table) => [
    // An event looks up its run.
    primaryKey({ name: 'openlineage_run_pk', columns: [table.pipeline_id, table.key] }),
    // From an execution to its run; deleting one.
    uniqueIndex('openlineage_run_execution_unique').on(table.execution_id),
    // Whether a run has parts.
    index('openlineage_run_stated_parent').on(table.stated_parent_id),
  ],
)

/** The datasets that a run has read or written, gathered over all of its events. */
export const openlineageRunDataset = pgTable(
  'openlineage_run_dataset',
  {
    execution_id: reference(() => pipelineExecution.id, { onDelete: 'cascade' }).notNull(),
    is_output: boolean().notNull(),
    address_id: reference(() => address.id).notNull(),
    facts: facts(),
  },
  (table) => [primaryKey({ name: 'openlineage_run_dataset_pk', columns: [table.execution_id, table.is_output, table.address_id] })],
)

/** A dataset of OpenLineage: what is known of it beside its name. */
export const openlineageDataset = pgTable('openlineage_dataset', {
  address_id: reference(() => address.id).primaryKey(),
  facts: facts(),
})

/** Every event as it came. The cleanup deletes old ones. */
export const openlineageEvent = pgTable(
  'openlineage_event',
  {
    /** SHA-256 of its canonical JSON, in hex: the same event twice is one. */
    hash: text().primaryKey(),
    at: instant().notNull(),
    received_at: instant().notNull(),
    body: text().notNull(),
  },
  // The cleanup deletes by age.
  (table) => [index('openlineage_event_received_at').on(table.received_at)],
)
