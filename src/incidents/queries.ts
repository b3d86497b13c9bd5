import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { callFunction } from '../db/call.ts'
import type { Database } from '../db/client.ts'
import { SEVERITIES } from '../db/constraints.ts'
import { FUNCTIONS } from '../db/functions.ts'
import { effective } from '../db/on-call.ts'
import { amount, jsonOf, jsonText, moment, text, whole } from '../db/rows.ts'
import { keep, param, prepare, type Statement } from '../db/statement.ts'
import { pipelineExecution } from '../features/executions/table.ts'
import { addressLineage } from '../features/lineage/table.ts'
import { pipelineType } from '../features/pipeline-types/table.ts'
import { pipeline } from '../features/pipelines/table.ts'
import { pageOfRows } from '../http/paging.ts'
import { job } from '../jobs/table.ts'
import { NOTIFICATION_STATES, notification, notificationState, silence } from '../notifications/table.ts'
import { impactOf, impactShape } from './impact.ts'
import { type IncidentKinds, summaryOf } from './kind.ts'
import { INCIDENT_STATES, incident, incidentEvent } from './table.ts'

export interface IncidentFilters {
  limit: number
  before_id: number
  state?: (typeof INCIDENT_STATES)[number][] | undefined
  kind?: string | undefined
  pipeline_id?: number | undefined
  owner?: string | undefined
  tag?: string | undefined
  severity?: (typeof SEVERITIES)[number] | undefined
  opened_after?: string | undefined
}

const ROWS = { pipeline: sql.raw('p'), type: sql.raw('t') }
/** What stands after `from` in a query of COLUMNS. */
const INCIDENTS = sql`${incident} i left join ${pipeline} p on p.id = i.pipeline_id left join ${pipelineType} t on t.id = p.pipeline_type_id`
const COLUMNS = sql`i.id, i.kind, i.subject, i.severity, i.state, i.pipeline_id, p.name as pipeline_name, ${effective('owner', ROWS)} as owner,
  ${effective('runbook_url', ROWS)} as runbook_url, i.opened_at, i.detected_at, i.acknowledged_at,
  i.acknowledged_by, i.resolved_at, i.resolved_by, i.occurrences, i.last_occurrence_at, i.first_execution_id, i.last_execution_id, i.last_success_at,
  i.details, i.caused_by`

const incidentRow = z.object({
  id: whole,
  kind: text,
  subject: text,
  severity: z.enum(SEVERITIES),
  state: z.enum(INCIDENT_STATES),
  pipeline_id: whole.nullable(),
  pipeline_name: text.nullable(),
  owner: text.nullable(),
  runbook_url: text.nullable(),
  opened_at: moment,
  detected_at: moment,
  acknowledged_at: moment.nullable(),
  acknowledged_by: text.nullable(),
  resolved_at: moment.nullable(),
  resolved_by: text.nullable(),
  occurrences: whole,
  last_occurrence_at: moment,
  first_execution_id: whole.nullable(),
  last_execution_id: whole.nullable(),
  last_success_at: moment.nullable(),
  details: jsonText,
  caused_by: whole.nullable(),
})
type IncidentRow = z.output<typeof incidentRow>

/** The row with its summary in words. */
const withSummary = <Row extends Pick<IncidentRow, 'kind' | 'details'>>(row: Row, kinds: IncidentKinds) => ({
  ...row,
  summary: summaryOf(row, kinds),
})

/** Literals: the partial index of open incidents matches no parameter. */
const isOpen = (states: readonly string[]): boolean => !states.includes('resolved')

const CONDITIONS: Record<string, SQL> = {
  kind: sql`i.kind = ${param('kind')}`,
  pipeline_id: sql`i.pipeline_id = ${param('pipeline_id')}`,
  owner: sql`${effective('owner', ROWS)} = ${param('owner')}`,
  tag: sql`${param('tag')} = any(p.tags)`,
  severity: sql`i.severity = ${param('severity')}`,
  opened_after: sql`i.opened_at > ${param('opened_after')}::timestamptz`,
}

const listOf = (names: string[], states: readonly string[] | undefined): Statement =>
  prepare(sql`
    select ${COLUMNS} from ${INCIDENTS}
    where i.id < ${param('before_id')}
      ${states ? sql`and i.state in (${sql.raw(states.map((state) => `'${state}'`).join(', '))}) ${isOpen(states) ? sql`and i.state <> 'resolved'` : sql``}` : sql``}
      ${sql.join(
        names.map((name) => sql`and ${CONDITIONS[name] as SQL}`),
        sql` `,
      )}
    order by i.id desc limit ${param('rows')}`)

const statements = keep<Statement>()

/** A page of incidents, newest first, and the `before_id` of the next page, or null. */
export const listIncidents = async (db: Database, { limit, before_id, state, ...filters }: IncidentFilters, kinds: IncidentKinds) => {
  const names = Object.keys(CONDITIONS).filter((name) => filters[name as keyof typeof filters] !== undefined)
  const states = state && [...new Set(state)].sort()
  const statement = statements(`${names.join()} ${states?.join()}`, () => listOf(names, states))
  const rows = await db.rows(statement, incidentRow, { ...filters, before_id, rows: limit + 1 })
  const { shown, next } = pageOfRows(rows, limit)
  return { incidents: shown.map((row) => withSummary(row, kinds)), next }
}

/** A page shows this many events of an incident: the newest. */
const MAX_EVENTS = 1_000
/** And this many incidents that it causes. */
const MAX_EFFECTS = 200

const FIND = prepare(sql`
  select ${COLUMNS}, (
    select coalesce(jsonb_agg(jsonb_build_object('kind', e.kind, 'at', e.at, 'by', e.by, 'text', e.text) order by e.id), '[]')
    from (select * from ${incidentEvent} where incident_id = i.id order by id desc limit ${sql.raw(String(MAX_EVENTS))}) e) as events,
    ${impactOf(sql`select distinct target_address_id as id from ${addressLineage} where pipeline_id = i.pipeline_id`, sql`i.pipeline_id`)} as affected,
    (select coalesce(jsonb_agg(to_jsonb(x) order by x.id), '[]') from (
      select x.id, x.kind, x.state, xp.name as pipeline_name from ${incident} x join ${pipeline} xp on xp.id = x.pipeline_id
      where x.caused_by = i.id order by x.id limit ${sql.raw(String(MAX_EFFECTS))}) x) as effects,
    coalesce((select jsonb_build_object('id', r.id, 'kind', r.kind, 'pipeline_name', rp.name)
      from ${incident} r join ${pipeline} rp on rp.id = r.pipeline_id where r.id = i.caused_by), 'null') as cause,
    (select coalesce(jsonb_agg(to_jsonb(told) order by told.id desc), '[]') from (
      select n.id, n.channel_name, n.event, ${notificationState} as state, n.attempts, j.error, n.created_at, n.sent_at
      from ${notification} n left join ${job} j on j.id = n.job_id where n.incident_id = i.id order by n.id desc limit ${sql.raw(String(MAX_EVENTS))}) told) as notifications,
    coalesce(case when i.resolved_at is null then (
      select jsonb_build_object('id', s.id, 'until', held.until, 'reason', s.reason, 'created_by', s.created_by)
      from ${sql.raw(FUNCTIONS.silenced_until)}(i.id, ${param('now')}::timestamptz) held join ${silence} s on s.id = held.silence_id) end, 'null') as silence,
    (select e.start_date from ${pipelineExecution} e where e.id = i.last_execution_id and e.end_date is null) as running_since
  from ${INCIDENTS} where i.id = ${param('id')}`)

const foundRow = incidentRow.extend({
  silence: jsonOf(z.object({ id: amount, until: moment, reason: z.string(), created_by: z.string() }).nullable()),
  running_since: moment.nullable(),
  cause: jsonOf(z.object({ id: amount, kind: z.string(), pipeline_name: z.string() }).nullable()),
  events: jsonOf(z.array(z.object({ kind: z.string(), at: moment, by: z.string().nullable(), text: z.string().nullable() }))),
  affected: jsonOf(impactShape),
  effects: jsonOf(z.array(z.object({ id: amount, kind: z.string(), state: z.enum(INCIDENT_STATES), pipeline_name: z.string() }))),
  notifications: jsonOf(
    z.array(
      z.object({
        id: amount,
        channel_name: z.string(),
        event: z.string(),
        state: z.enum(NOTIFICATION_STATES),
        attempts: amount,
        error: z.string().nullable(),
        created_at: moment,
        sent_at: moment.nullable(),
      }),
    ),
  ),
})

/** One incident with its events, what lies downstream of its pipeline, and who was told; undefined if there is none. */
export const findIncident = async (db: Database, id: number, now: string, kinds: IncidentKinds) => {
  const [row] = await db.rows(FIND, foundRow, { id, now })
  return row && withSummary(row, kinds)
}

/** One incident with all that belongs to it. */
export type FoundIncident = NonNullable<Awaited<ReturnType<typeof findIncident>>>

/** What a person does with an incident. */
export const INCIDENT_ACTIONS = ['acknowledge', 'resolve', 'comment'] as const
export type IncidentAction = (typeof INCIDENT_ACTIONS)[number]

interface ActionOutcome {
  outcome: 'done' | 'repeated' | 'resolved' | 'unknown'
  /** The job that tells others. */
  job_id: number | null
}

const ACT =
  prepare(sql`select row_to_json(r) as row from ${sql.raw(FUNCTIONS.act_on_incident)}(p_id => ${param('id')}, p_action => ${param('action')},
  p_by => ${param('by')}, p_note => ${param('note')}, p_now => ${param('now')}) r`)

/** Acknowledges, resolves or comments; act.sql describes the outcomes. */
export const actOnIncident = async (
  db: Database,
  act: { id: number; action: IncidentAction; by: string; note: string | undefined },
  now: string,
): Promise<ActionOutcome> => callFunction<ActionOutcome>(db, ACT, { ...act, note: act.note ?? null, now })
