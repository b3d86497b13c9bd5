import { sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Database } from '../../db/client.ts'
import { effective } from '../../db/on-call.ts'
import { amount, jsonOf, moment, text, truth } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { addressType } from '../../features/address-types/table.ts'
import { address } from '../../features/addresses/table.ts'
import { reason } from '../../features/executions/reason.ts'
import { pipelineExecution } from '../../features/executions/table.ts'
import { addressLineage } from '../../features/lineage/table.ts'
import { pipelineType } from '../../features/pipeline-types/table.ts'
import { pipeline } from '../../features/pipelines/table.ts'

/** An event names at most this many inputs, and as many outputs. */
const MAX_DATASETS = sql.raw('500')

const datasets = (end: 'source' | 'target') => sql`(
  select coalesce(jsonb_agg(jsonb_build_object('name', a.name, 'type', t.name) order by a.name), '[]')
  from (select distinct l.${sql.raw(`${end}_address_id`)} as id from ${addressLineage} l where l.pipeline_id = e.pipeline_id order by 1 limit ${MAX_DATASETS}) d
  join ${address} a on a.id = d.id join ${addressType} t on t.id = a.address_type_id)`

const RUN = prepare(sql`
  select e.id::text, e.start_date, e.end_date, coalesce(e.completed_successfully, false) as succeeded, e.scheduled_for, ${reason(sql`e`)} as error,
    e.inserts::text, e.updates::text, e.soft_deletes::text, e.total_rows::text, p.id::text as pipeline_id, p.name as pipeline, t.name as type,
    ${effective('owner', { pipeline: sql.raw('p'), type: sql.raw('t') })} as owner, p.is_streaming,
    (select jsonb_build_object('id', u.id, 'start_date', u.start_date, 'pipeline', up.name, 'openlineage', u.openlineage ->> 'run_id', 'job', up.openlineage)
      from ${pipelineExecution} u join ${pipeline} up on up.id = u.pipeline_id where u.id = e.parent_id) as parent,
    ${datasets('source')} as inputs_of, ${datasets('target')} as outputs_of
  from ${pipelineExecution} e join ${pipeline} p on p.id = e.pipeline_id join ${pipelineType} t on t.id = p.pipeline_type_id
  where e.id = ${param('id')} and e.openlineage is null`)

const number = text.transform(Number).nullable()
const dataset = z.object({ name: z.string(), type: z.string() })

const runRow = z.object({
  id: text.transform(Number),
  start_date: moment,
  end_date: moment.nullable(),
  succeeded: truth,
  scheduled_for: moment.nullable(),
  /** Why it failed, if it says so. */
  error: text.nullable(),
  inserts: number,
  updates: number,
  soft_deletes: number,
  total_rows: number,
  pipeline_id: text.transform(Number),
  pipeline: text,
  type: text,
  owner: text.nullable(),
  is_streaming: truth,
  parent: jsonOf(
    z.object({
      id: amount,
      start_date: moment,
      pipeline: z.string(),
      openlineage: z.string().nullable(),
      job: z.object({ namespace: z.string(), name: z.string() }).nullable(),
    }),
  ).nullable(),
  inputs_of: jsonOf(z.array(dataset)),
  outputs_of: jsonOf(z.array(dataset)),
})
export type ToldRun = z.output<typeof runRow>

/** A run with what an event says of it; undefined: it is gone, or came from OpenLineage. */
export const readRun = async (db: Database, id: number): Promise<ToldRun | undefined> => (await db.rows(RUN, runRow, { id }))[0]
