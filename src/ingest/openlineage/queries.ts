import { sql } from 'drizzle-orm'
import { stringifyJson } from '../../core/json.ts'
import { callFunction } from '../../db/call.ts'
import type { Database } from '../../db/client.ts'
import { FUNCTIONS } from '../../db/functions.ts'
import { param, prepare } from '../../db/statement.ts'
import type { ReadEvent } from './event.ts'

/** record-event.sql and record-batch.sql describe the functions' contracts. */
const RECORD = prepare(sql`select row_to_json(r) as row from ${sql.raw(FUNCTIONS.record_openlineage_event)}(
  p_event => ${param('event')}, p_create_rules => ${param('create_rules')}, p_now => ${param('now')}) r`)
const RECORD_BATCH = prepare(sql`select row_to_json(r) as row from ${sql.raw(FUNCTIONS.record_openlineage_batch)}(
  p_events => ${param('events')}, p_create_rules => ${param('create_rules')}, p_now => ${param('now')}) r`)

interface Recorded {
  outcome: 'recorded' | 'repeated'
  job_ids: number[] | null
}
interface RecordedBatch {
  outcome: 'recorded'
  /** Events that could not be stored, by their place in the request. */
  failed: { index: number; code: string }[]
  job_ids: number[] | null
}

/** Records an event; returns the ids of the recorded jobs. `createRules`: a new pipeline gets a rule per metric. */
export const recordEvent = async (db: Database, event: ReadEvent, createRules: boolean, now: string): Promise<number[]> =>
  (await callFunction<Recorded>(db, RECORD, { event: stringifyJson(event), create_rules: createRules, now })).job_ids ?? []

/** Records events, each for itself. */
export const recordBatch = (
  db: Database,
  events: (ReadEvent & { index: number })[],
  createRules: boolean,
  now: string,
): Promise<RecordedBatch> =>
  callFunction<RecordedBatch>(db, RECORD_BATCH, { events: stringifyJson(events), create_rules: createRules, now })
