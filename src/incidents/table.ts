import { sql } from 'drizzle-orm'
import { type AnyPgColumn, bigint, check, index, integer, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { flag, id, instant, jsonObject, reference } from '../db/columns.ts'
import { atLeast, oneOf, SEVERITIES } from '../db/constraints.ts'
import { pipelineExecution } from '../features/executions/table.ts'
import { pipeline } from '../features/pipelines/table.ts'

/**
 * The states of an incident, and what moves it from one to the next:
 *
 *              POST …/acknowledge
 *   ┌──────┐ ───────────────────▶ ┌──────────────┐
 *   │ open │                      │ acknowledged │
 *   └──────┘                      └──────────────┘
 *    ▲   │  right again, muted,        │ right again, muted,
 *    │   │  or POST …/resolve          │ or POST …/resolve
 *    │   ▼                             │
 *    │ ┌──────────┐ ◀──────────────────┘
 *    └ │ resolved │
 *      └──────────┘  wrong again within 15 minutes, unless a person has resolved it
 */
export const INCIDENT_STATES = ['open', 'acknowledged', 'resolved'] as const
export const INCIDENT_EVENTS = [
  'opened',
  'occurred',
  'acknowledged',
  'notified',
  'reminded',
  'silenced',
  'folded',
  'resolved',
  'reopened',
  'commented',
] as const

/** An execution, until the cleanup deletes it. */
const execution = () => reference(() => pipelineExecution.id, { onDelete: 'set null' })

/** Something that is wrong with a pipeline, or with Watcher itself, from its beginning to its end: what a person handles. */
export const incident = pgTable(
  'incident',
  {
    id: id(),
    /** `failed`, `late`, `stale`, `anomaly`, `queue`, …: each is registered by the feature or check that opens it. */
    kind: text().notNull(),
    /** What of the kind is wrong, if that is more than one thing; else empty. */
    subject: text().notNull().default(''),
    /** null: it is about Watcher itself. */
    pipeline_id: reference(() => pipeline.id),
    /** The highest one seen. */
    severity: text().notNull(),
    state: text().notNull().default('open'),
    /** When it happened. */
    opened_at: instant().notNull(),
    /** When Watcher noticed. */
    detected_at: instant().notNull(),
    acknowledged_at: instant(),
    acknowledged_by: text(),
    resolved_at: instant(),
    /** `auto`, `muted`, or the name of a token. */
    resolved_by: text(),
    occurrences: integer().notNull().default(1),
    last_occurrence_at: instant().notNull(),
    first_execution_id: execution(),
    last_execution_id: execution(),
    /** When the pipeline's last good run ended, when the incident opened. */
    last_success_at: instant(),
    /** The numbers: what its kind's `explain` reads. */
    details: jsonObject().notNull(),
    caused_by: bigint({ mode: 'number' }).references((): AnyPgColumn => incident.id, { onDelete: 'set null' }),
  },
  (table) => [
    // At most one open incident of a pipeline, kind and subject: open_incident inserts on conflict. An end looks for those of its pipeline.
    uniqueIndex('incident_open_unique').on(sql`coalesce(pipeline_id, 0)`, table.kind, table.subject).where(sql`resolved_at is null`),
    // open_incident looks for the last one, which may be reopened.
    index('incident_last').on(sql`coalesce(pipeline_id, 0)`, table.kind, table.subject, table.id),
    // GET /incident?pipeline_id= pages by id within a pipeline, newest first.
    index('incident_of_pipeline').on(table.pipeline_id, table.id),
    // GET /incident?state=open,acknowledged: Index Scan Backward. Its condition differs from the unique index's: open_incident must not take this one.
    index('incident_open').on(table.id).where(sql`state <> 'resolved'`),
    // The cleanup deletes resolved incidents by age.
    index('incident_resolved').on(table.resolved_at).where(sql`resolved_at is not null`),
    // Deleting an execution, or an incident, sets these to null.
    index('incident_first_execution').on(table.first_execution_id).where(sql`first_execution_id is not null`),
    index('incident_last_execution').on(table.last_execution_id).where(sql`last_execution_id is not null`),
    index('incident_caused_by').on(table.caused_by).where(sql`caused_by is not null`),
    oneOf('incident_state_known', table.state, INCIDENT_STATES),
    oneOf('incident_severity_known', table.severity, SEVERITIES),
    check('incident_resolved_with_state', sql`(${table.state} = 'resolved') = (${table.resolved_at} is not null)`),
    check('incident_caused_by_another', sql`${table.caused_by} <> ${table.id}`),
    atLeast('incident_occurrences_range', table.occurrences, 1),
  ],
)

/** What happened to an incident, in order. Opening, reopening and resolving write theirs in the same transaction. */
export const incidentEvent = pgTable(
  'incident_event',
  {
    id: id(),
    incident_id: reference(() => incident.id, { onDelete: 'cascade' }).notNull(),
    kind: text().notNull(),
    at: instant().notNull(),
    /** A token's name, or null: Watcher itself. */
    by: text(),
    text: text(),
    /** Channels that people read hear nothing of it; pagers do. */
    quiet: flag(false),
    /** The job that tells people of it; null: nobody is told. It is the last one that was recorded, if it was put off. */
    notify_job_id: bigint({ mode: 'number' }),
  },
  (table) => [
    // The job `notify` reads its events.
    index('incident_event_to_tell').on(table.notify_job_id).where(sql`notify_job_id is not null`),
    // GET /incident/{id} lists the events of one incident in order.
    index('incident_event_of_incident').on(table.incident_id, table.id),
    oneOf('incident_event_kind_known', table.kind, INCIDENT_EVENTS),
  ],
)
