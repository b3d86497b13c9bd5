import { eq, getTableColumns, type SQL, sql } from 'drizzle-orm'
import { nextTime } from '../../core/cron.ts'
import { formatInstant, instantOf } from '../../core/instant.ts'
import { parseJson, stringifyJson } from '../../core/json.ts'
import { callFunction } from '../../db/call.ts'
import type { Database } from '../../db/client.ts'
import { hashConfig } from '../../db/config-hash.ts'
import { FUNCTIONS } from '../../db/functions.ts'
import { columnReader, listing } from '../../db/json-list.ts'
import { param, prepare } from '../../db/statement.ts'
import { mayMakeLate } from '../../db/thresholds.ts'
import type { Target } from '../../http/patch.ts'
import { pipelineType } from '../pipeline-types/table.ts'
import type { PipelinePost } from './schemas.ts'
import { pipeline } from './table.ts'

/** The columns that clients see: without those that only the checks use. */
const {
  freshness_logged_for: _logged,
  freshness_from: _since,
  schedule_from: _from,
  schedule_slot_at: _slot,
  check_at: _check,
  is_step: _step,
  is_streaming: _streaming,
  unmoved_runs: _unmoved,
  ...answered
} = getTableColumns(pipeline)

const named = (name: string) => sql`lower(name) = lower(${name})`

/** create-or-get.sql describes the function's contract. */
const CREATE_OR_GET = prepare(sql`select row_to_json(r) as row from ${sql.raw(FUNCTIONS.create_or_get_pipeline)}(p_name => ${param('name')},
  p_type_name => ${param('type_name')}, p_config => ${param('config')}, p_config_hash => ${param('config_hash')},
  p_next_watermark => ${param('next_watermark')}, p_create_rules => ${param('create_rules')}, p_now => ${param('now')}) r`)

interface Created {
  outcome: 'created' | 'existing'
  id: number
  active: boolean
  load_lineage: boolean
  watermark: string | null
  /** The recorded jobs: to tell others of incidents that a mute has ended, to look at deadlines that may be nearer now. */
  job_ids: number[] | null
}

/**
 * Creates the pipeline (with its type if that is new, and with a rule per metric if `createRules`), or applies its changed
 * configuration and its next watermark.
 */
export const createOrGetPipeline = async (db: Database, body: PipelinePost, createRules: boolean, now: string) => {
  const { name, next_watermark, pipeline_type_name, ...config } = body
  return callFunction<Created>(db, CREATE_OR_GET, {
    name,
    type_name: pipeline_type_name,
    config: stringifyJson(config),
    // Type names are case-insensitive: another case is not a changed configuration.
    config_hash: await hashConfig({ ...config, pipeline_type_name: pipeline_type_name.toLowerCase() }),
    next_watermark: next_watermark ?? null,
    create_rules: createRules,
    now,
  })
}

/** A page of pipelines in the order of their ids. */
export const listPipelines = listing<{
  name?: string
  pipeline_type_id?: number
  active?: boolean
  owner?: string
  tag?: string
  include_steps?: boolean
}>({
  table: pipeline,
  columns: answered,
  conditions: {
    name: sql`lower(${pipeline.name}) = lower(${param('name')})`,
    pipeline_type_id: sql`${pipeline.pipeline_type_id} = ${param('pipeline_type_id')}`,
    active: sql`${pipeline.active} = ${param('active')}`,
    owner: sql`(${pipeline.owner} = ${param('owner')} or ${pipeline.owner} is null
      and ${pipeline.pipeline_type_id} in (select id from ${pipelineType} where owner = ${param('owner')}))`,
    tag: sql`${param('tag')} = any(${pipeline.tags})`,
    include_steps: (are) => (are ? sql`true` : sql`not ${pipeline.is_step}`),
  },
})

/** find.sql describes the function's contract. */
const FIND = prepare(sql`select ${sql.raw(FUNCTIONS.find_pipeline)}(${param('id')}, ${param('now')})::text as row`)

const readColumns = columnReader(answered)

/** A pipeline with what applies to it and when its next run is expected; undefined if there is none. */
export const findPipeline = async (db: Database, id: number, now: string) => {
  const [found] = await db.read(FIND, ({ row }) => (row === null ? undefined : (parseJson(row as string) as Record<string, unknown>)), {
    id,
    now,
  })
  if (!found) return undefined
  const row = readColumns(found.pipeline as Record<string, unknown>)
  const { schedule_cron: cron, schedule_timezone: timezone, active } = row
  const next = typeof cron === 'string' && active ? nextTime(cron, (timezone as string | null) ?? 'UTC', new Date(now)) : undefined
  const end = found.interval_end as string | null
  return { ...row, effective: found.effective, next_expected_at: next ? instantOf(next) : end === null ? null : formatInstant(end) }
}

type Changes = Partial<typeof pipeline.$inferInsert>

const SCHEDULE = ['schedule_cron', 'schedule_timezone', 'schedule_number', 'schedule_datepart'] as const

/** The value that a column will have: the given one, else the present one. */
const valueAfter = (
  changes: Changes,
  name: (typeof SCHEDULE)[number] | 'schedule_grace_minutes' | 'active' | 'freshness_number' | 'freshness_datepart',
): SQL => {
  const column = pipeline[name]
  return changes[name] === undefined ? sql`${column}` : sql`${sql.param(changes[name], column)}::${sql.raw(column.getSQLType())}`
}

/**
 * True, in an update's statement, if the changes begin another schedule: what applies differs (a time zone only beside a cron, and none is
 * UTC), or the pipeline becomes active. undefined: they cannot.
 */
const isNewSchedule = (changes: Changes): SQL | undefined => {
  const given = SCHEDULE.filter((name) => changes[name] !== undefined)
  const parts = [
    ...given.map((name) =>
      name === 'schedule_timezone'
        ? sql`(${valueAfter(changes, 'schedule_cron')} is not null
            and coalesce(${valueAfter(changes, name)}, 'UTC') <> coalesce(${pipeline.schedule_timezone}, 'UTC'))`
        : sql`${valueAfter(changes, name)} is distinct from ${pipeline[name]}`,
    ),
    ...(changes.active === true ? [sql`not ${pipeline.active}`] : []),
  ]
  return parts.length === 0 ? undefined : sql`(${sql.join(parts, sql` or `)})`
}

/** A pipeline that has never loaded is judged from when it got another threshold of its own, or became active. */
const beginFreshness = (changes: Changes, now: string) => {
  const given = (['freshness_number', 'freshness_datepart'] as const).filter((name) => changes[name] !== undefined)
  const parts = [
    ...given.map((name) => sql`${valueAfter(changes, name)} is distinct from ${pipeline[name]}`),
    ...(changes.active === true ? [sql`not ${pipeline.active}`] : []),
  ]
  if (parts.length === 0) return {}
  return { freshness_from: sql`case when ${sql.join(parts, sql` or `)} then ${now}::timestamptz else ${pipeline.freshness_from} end` }
}

/** The columns with which the check of schedules begins anew. */
const beginSchedule = (changes: Changes, isNew: SQL, now: string) => {
  const [active, cron, number] = (['active', 'schedule_cron', 'schedule_number'] as const).map((name) => valueAfter(changes, name))
  const from = sql`case when ${active} and (${cron} is not null or ${number} is not null) then ${now}::timestamptz end`
  return {
    schedule_from: sql`case when ${isNew} then ${from} else ${pipeline.schedule_from} end`,
    schedule_slot_at: sql`case when not ${isNew} then ${pipeline.schedule_slot_at} end`,
    check_at: sql`case when ${isNew} then ${from} else ${lookAgain(changes, now)} end`,
  }
}

/** With another grace, the time to judge next has another deadline: the check looks at once. */
const lookAgain = (changes: Changes, now: string): SQL =>
  sql`case when ${pipeline.check_at} is not null and ${valueAfter(changes, 'schedule_grace_minutes')} is distinct from ${pipeline.schedule_grace_minutes}
    then ${now}::timestamptz else ${pipeline.check_at} end`

/**
 * Writes the given columns, and resolves the incidents that the change ends (end-by-settings.sql). undefined if there is no such pipeline.
 * Returns the row, and the ids of the jobs to send.
 */
export const updatePipeline = async (db: Database, target: Target, changes: Changes, now: string) => {
  const condition = 'id' in target ? eq(pipeline.id, target.id) : named(target.name)
  const isNew = isNewSchedule(changes)
  const [row] = await db.orm
    .update(pipeline)
    .set({
      ...changes,
      updated_at: now,
      ...(changes.schedule_grace_minutes !== undefined && { check_at: sql`${lookAgain(changes, now)}` }),
      ...(isNew && beginSchedule(changes, isNew, now)),
      ...(changes.active === false && { check_at: null }),
      ...beginFreshness(changes, now),
      // Moved by hand, or judged anew: what was counted before says nothing.
      ...((changes.watermark !== undefined || changes.watermark_check !== undefined) && { unmoved_runs: 0 }),
    })
    .where(condition)
    .returning({
      ...answered,
      // After the row's lock, so that it sees what opened while this statement waited for it.
      job_id: sql<string | null>`case when ${sql.raw(FUNCTIONS.end_by_settings)}(${pipeline.id}, ${now}::timestamptz) > 0
        then ${sql.raw(FUNCTIONS.notify_job)}(${now}::timestamptz) end`,
      check_id: sql<
        string | null
      >`case when ${mayMakeLate(changes) ? sql`true` : sql`${pipeline.check_at} = ${now}::timestamptz`} then ${sql.raw(FUNCTIONS.request_deadlines)}(${now}::timestamptz) end`,
    })
  if (!row) return undefined
  const { job_id, check_id, ...changed } = row
  return { row: changed, jobIds: [job_id, check_id].filter((id) => id !== null).map(Number) }
}
