import { z } from 'zod'
import { formatInstant } from '../core/instant.ts'
import { once } from '../core/once.ts'
import { SEVERITIES } from '../db/constraints.ts'
import { amount } from '../db/rows.ts'
import { inOneLine } from './message.ts'
import { NOTIFICATION_EVENTS } from './table.ts'

/** PostgreSQL writes timestamps into JSON in its own format. */
const instant = z.string().transform(formatInstant)

/** One incident of a notification, as begin-sending.sql reads it. */
export const toldRow = once(() =>
  z.object({
    /** The notification's id; 0 if this only renews what was told. */
    notification_id: amount.default(0),
    event: z.enum(NOTIFICATION_EVENTS).default('reminded'),
    /** When the event was, who caused it (a token's name), and what they say. */
    at: instant.nullable().default(null),
    by: z.string().nullable().default(null),
    text: z.string().nullable().default(null),
    id: amount,
    kind: z.string(),
    subject: z.string(),
    severity: z.enum(SEVERITIES),
    state: z.string(),
    pipeline_id: amount.nullable(),
    pipeline_name: z.string().nullable(),
    owner: z.string().nullable(),
    runbook_url: z.string().nullable(),
    opened_at: instant,
    detected_at: instant,
    acknowledged_at: instant.nullable(),
    acknowledged_by: z.string().nullable(),
    resolved_at: instant.nullable(),
    resolved_by: z.string().nullable(),
    occurrences: amount,
    last_occurrence_at: instant,
    first_execution_id: amount.nullable(),
    last_execution_id: amount.nullable(),
    last_success_at: instant.nullable(),
    details: z.record(z.string(), z.unknown()),
    caused_by: amount.nullable(),
    /** What causes it. */
    cause: z.object({ kind: z.string(), pipeline_name: z.string() }).nullable(),
    /** How often it was opened again. */
    reopenings: amount,
    /** How many open incidents it causes. */
    effects: amount,
    /** The first of these; of an incident that is over, also those that are over. */
    caused: z.array(z.object({ kind: z.string(), pipeline_name: z.string(), is_open: z.boolean() })),
    /** How many pipelines read what this one writes, at any distance. */
    downstream: amount,
  }),
)

/** An incident with what a message needs to say about it. */
export type ToldIncident = z.output<ReturnType<typeof toldRow>> & {
  /** One sentence that a person can act on. */
  summary: string
  /** The page of the incident, if the deployment says where its pages are. */
  url: string | undefined
}

/** What a channel sends: one message about one or more incidents. */
export interface Notification {
  /** The event that all of it is about; `test`: somebody tries the channel. */
  event: (typeof NOTIFICATION_EVENTS)[number] | 'test'
  /** The whole message, for people. */
  text: string
  /** True: its last line says that it is sent again. */
  isRepeated: boolean
  incidents: readonly ToldIncident[]
  /** If many incidents are told as one (see `isSweeper`): what they have in common, for the service's key. */
  sweep: number | undefined
  /** When it is sent. */
  now: string
  /** The host of the pages: one service's events must not be taken for another's. */
  host: string
  /** The page to open for more. */
  url: string | undefined
}

/** What causes an incident, in words: `orders (failed), incident 12`; undefined: nothing is known to. */
export const causeOf = ({ cause, caused_by }: Pick<ToldIncident, 'cause' | 'caused_by'>): string | undefined =>
  cause === null ? undefined : `${inOneLine(cause.pipeline_name)} (${cause.kind}), incident ${caused_by}`

/** The highest severity in it. */
export const severityOf = (incidents: readonly ToldIncident[]): (typeof SEVERITIES)[number] =>
  incidents.some(({ severity }) => severity === 'critical') ? 'critical' : 'warning'
