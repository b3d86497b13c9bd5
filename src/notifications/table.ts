import { sql } from 'drizzle-orm'
import { bigint, check, index, integer, pgTable, text, time, uniqueIndex } from 'drizzle-orm/pg-core'
import { createdAt, flag, id, instant, jsonObject, reference } from '../db/columns.ts'
import { between, lengthBetween, oneOf, SEVERITIES } from '../db/constraints.ts'
import { pipelineType } from '../features/pipeline-types/table.ts'
import { pipeline } from '../features/pipelines/table.ts'
import { incident, incidentEvent } from '../incidents/table.ts'
import { job } from '../jobs/table.ts'

/** The bounds of `repeat_minutes`. */
export const REPEAT_MINUTES = { min: 15, max: 43_200 }

/** Where people are told: what to send, and where to. The channel of the environment (SLACK_WEBHOOK_URL) has no row. */
export const channel = pgTable(
  'channel',
  {
    id: id(),
    name: text().notNull(),
    kind: text().notNull(),
    /** Of a secret only its last characters. */
    settings: jsonObject().notNull(),
    /** The secret settings, encrypted: see secrets.ts. null: it has none. */
    secrets: text(),
    /** The additional data of the encryption: the worker made it, so secrets cannot be moved to another row. */
    secrets_id: text(),
    active: flag(true),
    /** The filters; null: everything. */
    min_severity: text(),
    kinds: text().array(),
    owners: text().array(),
    tags: text().array(),
    pipeline_type_ids: bigint({ mode: 'number' }).array(),
    send_resolved: flag(true),
    /** Minutes between two reminders; null: none, but for critical incidents. */
    repeat_minutes: integer(),
    created_at: createdAt(),
    updated_at: instant(),
  },
  (table) => [
    // Names are unique, case-insensitively.
    uniqueIndex('channel_name_unique').on(sql`lower(${table.name})`),
    lengthBetween('channel_name_length', table.name, 1, 150),
    oneOf('channel_min_severity_known', table.min_severity, SEVERITIES),
    between('channel_repeat_minutes_range', table.repeat_minutes, REPEAT_MINUTES),
  ],
)

/** What a notification tells. `raised`: the incident has become critical. */
export const NOTIFICATION_EVENTS = ['opened', 'reopened', 'raised', 'reminded', 'resolved', 'acknowledged'] as const

/**
 * The stored states of a notification, and what moves it from one to the next. Whether an attempt was the last one, and how it
 * ended, is in its job: see `notificationState`.
 *
 *   ┌─────────┐  its job begins to send   ┌─────────┐
 *   │ waiting │ ────────────────────────▶ │ sending │   sent, or failed, as its job ends
 *   └─────────┘                           └─────────┘
 *        │ resolved before it was begun, or its channel is gone
 *        ▼
 *   ┌─────────┐
 *   │ dropped │
 *   └─────────┘
 */
const STORED_STATES = ['waiting', 'sending', 'dropped'] as const
export const NOTIFICATION_STATES = ['waiting', 'sending', 'sent', 'failed', 'dropped'] as const

/** One message about one event of an incident to one channel. */
export const notification = pgTable(
  'notification',
  {
    id: id(),
    /** 0: the channel of the environment. A deleted channel's notifications keep its id and name. */
    channel_id: bigint({ mode: 'number' }).notNull(),
    channel_name: text().notNull(),
    incident_id: reference(() => incident.id, { onDelete: 'cascade' }).notNull(),
    incident_event_id: reference(() => incidentEvent.id, { onDelete: 'cascade' }).notNull(),
    event: text().notNull(),
    state: text().notNull().default('waiting'),
    attempts: integer().notNull().default(0),
    /** The job that sends it, alone or with others of one sweep. */
    job_id: reference(() => job.id, { onDelete: 'set null' }),
    /** The job that told a pager of many incidents of one sweep as one event: its key there. null: the incident has an event of its own. */
    sweep_id: bigint({ mode: 'number' }),
    created_at: createdAt(),
    sent_at: instant(),
  },
  (table) => [
    // A channel is told of an event once, however often the job `notify` runs. Deleting an event looks its notifications up.
    uniqueIndex('notification_once').on(table.incident_event_id, table.channel_id),
    // What a channel was last told of an incident; GET /notification?incident_id=.
    index('notification_of_incident').on(table.incident_id, table.channel_id, table.id),
    // The job that sends reads its notifications. Deleting a job sets it to null.
    index('notification_of_job').on(table.job_id),
    // GET /notification?channel_id=, and the last deliveries of a channel.
    index('notification_of_channel').on(table.channel_id, table.id),
    // The last incident of a sweep to be resolved resolves the sweep.
    index('notification_of_sweep').on(table.sweep_id).where(sql`sweep_id is not null`),
    oneOf('notification_event_known', table.event, NOTIFICATION_EVENTS),
    oneOf('notification_state_known', table.state, STORED_STATES),
  ],
)

/** The state that people see: the stored one, and how its job has ended. `n` is the notification, `j` its job, outer joined. */
export const notificationState = sql.raw(`case
    when n.state = 'dropped' then 'dropped' when j.state = 'failed' then 'failed'
    when n.state = 'sending' and (j.id is null or j.state = 'succeeded') then 'sent' else n.state end`)

/** When people do not want to hear of some incidents. What is given must all match; nothing given: everything. */
export const silence = pgTable(
  'silence',
  {
    id: id(),
    starts_at: instant().notNull(),
    /** null: a weekly window without an end. */
    ends_at: instant(),
    pipeline_id: reference(() => pipeline.id),
    pipeline_type_id: reference(() => pipelineType.id),
    owner: text(),
    tag: text(),
    kind: text(),
    /** A weekly window: ISO days of the week (1 is Monday), and local times; `to` at or before `from` is on the next day. */
    weekly_days: integer().array(),
    weekly_from: time(),
    weekly_to: time(),
    weekly_timezone: text().notNull().default('UTC'),
    include_critical: flag(false),
    reason: text().notNull(),
    /** The name of a token. */
    created_by: text().notNull(),
    created_at: createdAt(),
  },
  (table) => [
    // Deleting a pipeline or a type looks its silences up.
    index('silence_pipeline_id').on(table.pipeline_id).where(sql`pipeline_id is not null`),
    index('silence_pipeline_type_id').on(table.pipeline_type_id).where(sql`pipeline_type_id is not null`),
    check('silence_ends', sql`ends_at is not null or weekly_days is not null`),
    check('silence_weekly_whole', sql`num_nonnulls(weekly_days, weekly_from, weekly_to) in (0, 3)`),
  ],
)
