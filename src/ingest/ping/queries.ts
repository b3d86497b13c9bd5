import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { callFunction } from '../../db/call.ts'
import type { Database } from '../../db/client.ts'
import { hashConfig } from '../../db/config-hash.ts'
import { FUNCTIONS } from '../../db/functions.ts'
import { jsonOf, text } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { pipelineExecution } from '../../features/executions/table.ts'
import { pipeline } from '../../features/pipelines/table.ts'
import { incident } from '../../incidents/table.ts'
import type { PingFields } from './fields.ts'
import { ping } from './table.ts'

/** The type of pipelines that a ping has created. */
const TYPE_NAME = 'ping'

/** What a ping says of its run: it has begun, succeeded or failed, or there is only a text to keep. */
export interface Ping {
  /** The pipeline: by its ping URL, or by its name. */
  target: { uuid: string } | { slug: string }
  action: 'start' | 'success' | 'fail' | 'log'
  /** If the outcome is an exit status. */
  exitStatus?: number | undefined
  rid?: string | undefined
  create: boolean
  fields: PingFields
  /** The log of the run; empty: none. */
  body: string
}

/** ping.sql describes the function's contract. */
const PING =
  prepare(sql`select row_to_json(r) as row from ${sql.raw(FUNCTIONS.ping)}(p_uuid => ${param('uuid')}, p_slug => ${param('slug')},
  p_action => ${param('action')}, p_exit_status => ${param('exit_status')}, p_rid => ${param('rid')}, p_type_name => ${param('type_name')},
  p_config_hash => ${param('config_hash')}, p_create_rules => ${param('create_rules')}, p_inserts => ${param('inserts')},
  p_updates => ${param('updates')}, p_soft_deletes => ${param('soft_deletes')}, p_total_rows => ${param('total_rows')},
  p_watermark => ${param('watermark')}, p_body => ${param('body')}, p_now => ${param('now')}, p_tells => ${param('tells')}) r`)

interface PingOutcome {
  outcome: 'recorded' | 'created' | 'unknown' | 'ambiguous'
  /** The exact names of the pipelines that the slug may mean. */
  names: string[] | null
  job_ids: number[] | null
}

const targetOf = (target: Ping['target']) => ({
  uuid: 'uuid' in target ? target.uuid : null,
  slug: 'slug' in target ? target.slug : null,
})

/** Records a ping: the start or the end of a run, and its log. `createRules`: a new pipeline gets a rule per metric; `tells`: another service is told. */
export const recordPing = async (
  db: Database,
  { target, action, exitStatus, rid, create, fields, body }: Ping,
  { createRules, tells }: { createRules: boolean; tells: boolean },
  now: string,
): Promise<PingOutcome> =>
  callFunction<PingOutcome>(db, PING, {
    ...targetOf(target),
    action,
    exit_status: exitStatus ?? null,
    rid: rid ?? null,
    type_name: create ? TYPE_NAME : null,
    config_hash: create ? await hashConfig({ pipeline_type_name: TYPE_NAME }) : null,
    create_rules: createRules,
    inserts: fields.inserts ?? null,
    updates: fields.updates ?? null,
    soft_deletes: fields.soft_deletes ?? null,
    total_rows: fields.total_rows ?? null,
    watermark: fields.watermark ?? null,
    body,
    now,
    tells,
  })

const MAKE_URL = prepare(sql`
  insert into ${ping} as i (pipeline_id, uuid, uuid_made_at)
  select id, ${param('uuid')}::uuid, ${param('now')}::timestamptz from ${pipeline} where id = ${param('pipeline_id')}
  on conflict (pipeline_id) do update set uuid = excluded.uuid, uuid_made_at = excluded.uuid_made_at
  returning i.uuid::text as uuid`)

/** Gives the pipeline a ping URL with this secret; an earlier one ends. False: there is no such pipeline. */
export const makePingUrl = async (db: Database, pipelineId: number, uuid: string, now: string): Promise<boolean> =>
  (await db.rows(MAKE_URL, z.object({ uuid: text }), { pipeline_id: pipelineId, uuid, now })).length > 0

const STATE = prepare(sql`
  select p.name, p.active,
    (select coalesce(jsonb_agg(distinct i.kind), '[]') from ${incident} i where coalesce(i.pipeline_id, 0) = p.id and i.resolved_at is null) as kinds,
    exists (select from ${pipelineExecution} e where e.pipeline_id = p.id and e.end_date is null) as is_running,
    exists (select from ${pipelineExecution} e where e.pipeline_id = p.id) as has_run
  from ${sql.raw(FUNCTIONS.find_pinged)}(p_uuid => ${param('uuid')}, p_slug => ${param('slug')}) p`)

const stateRow = z.object({
  name: text,
  active: z.boolean(),
  kinds: jsonOf(z.array(z.string())),
  is_running: z.boolean(),
  has_run: z.boolean(),
})
export type PipelineState = z.output<typeof stateRow>

/** The state of the pipelines that a name may mean: one, none, or several. */
export const readStates = (db: Database, target: Ping['target']): Promise<PipelineState[]> => db.rows(STATE, stateRow, targetOf(target))
