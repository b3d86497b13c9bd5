import { z } from '@hono/zod-openapi'
import { once } from '../core/once.ts'
import { SEVERITIES } from '../db/constraints.ts'
import { boundedText, instantAnswer, MAX_ID, optional } from '../http/fields.ts'
import { idText, instantText, nameText, numberText } from '../http/text-fields.ts'
import { NOTIFICATION_EVENTS, NOTIFICATION_STATES } from '../notifications/table.ts'
import { impactAnswer } from './impact.ts'
import type { IncidentKinds } from './kind.ts'
import { INCIDENT_EVENTS, INCIDENT_STATES } from './table.ts'

type State = (typeof INCIDENT_STATES)[number]

/** Several states, separated by commas. */
const statesText = () => {
  const fault = `Must be one or more of ${INCIDENT_STATES.join(', ')}, separated by commas`
  return z
    .string()
    .transform((text) => text.split(',').map((part) => part.trim().toLowerCase()))
    .refine((states): states is State[] => states.every((state) => (INCIDENT_STATES as readonly string[]).includes(state)), {
      error: fault,
    })
    .optional()
    .openapi({
      type: 'string',
      description: 'Only incidents in these states, separated by commas; default all.',
      example: 'open,acknowledged',
    })
}

/** The schemas that list the kinds of incidents. */
export const incidentSchemas = ({ incidentKinds }: IncidentKinds) => {
  const kinds = incidentKinds.map(({ kind }) => kind) as [string, ...string[]]
  const incidentKind = () => z.enum(kinds)

  const incidentFilters = once(() => ({
    limit: numberText('The maximum number of rows in the answer.', 1, 1000, 1000),
    before_id: numberText('Only incidents with a lower id: for the next page, the id of the last row.', 1, MAX_ID, MAX_ID),
    state: statesText(),
    kind: z
      .enum(kinds, { error: `Must be one of ${kinds.join(', ')}` })
      .optional()
      .openapi({ description: 'Only incidents of this kind.' }),
    pipeline_id: idText('Only incidents of this pipeline.').optional(),
    owner: nameText('Only incidents of pipelines of this owner.').optional(),
    tag: nameText('Only incidents of pipelines with this tag.').optional(),
    severity: z
      .enum(SEVERITIES, { error: `Must be one of ${SEVERITIES.join(', ')}` })
      .optional()
      .openapi({ description: 'Only incidents of this severity.' }),
    opened_after: instantText('Only incidents that opened after this time.').optional(),
  }))

  const fields = () => ({
    id: z.int(),
    kind: incidentKind(),
    subject: z.string().openapi({ description: 'What of the kind is wrong, if that is more than one thing; else empty.' }),
    severity: z.enum(SEVERITIES).openapi({ description: 'The highest one seen.' }),
    state: z.enum(INCIDENT_STATES),
    pipeline_id: z.int().nullable().openapi({ description: 'null: the incident is about Watcher itself.' }),
    pipeline_name: z.string().nullable(),
    owner: z.string().nullable().openapi({ description: 'Who answers for the pipeline now.' }),
    runbook_url: z.string().nullable(),
    opened_at: instantAnswer().openapi({ description: 'When it happened.' }),
    detected_at: instantAnswer().openapi({ description: 'When Watcher noticed.' }),
    acknowledged_at: instantAnswer().nullable(),
    acknowledged_by: z.string().nullable().openapi({ description: 'The name of a token.' }),
    resolved_at: instantAnswer().nullable(),
    resolved_by: z.string().nullable().openapi({ description: '`auto`, `muted`, or the name of a token.' }),
    occurrences: z.int(),
    last_occurrence_at: instantAnswer(),
    first_execution_id: z.int().nullable(),
    last_execution_id: z.int().nullable(),
    last_success_at: instantAnswer().nullable().openapi({ description: "When the pipeline's last good run had ended, when this opened." }),
    summary: z.string().openapi({ description: 'One sentence that a person can act on.', example: 'Run 12 failed: disk full' }),
    details: z.record(z.string(), z.unknown()).openapi({ description: 'The numbers.' }),
    caused_by: z.int().nullable().openapi({ description: 'The incident upstream that causes this one.' }),
  })

  const incidentAnswer = once(() => z.object(fields()).openapi('Incident'))

  const incidentEvent = () =>
    z
      .object({
        kind: z.enum(INCIDENT_EVENTS),
        at: instantAnswer(),
        by: z.string().nullable().openapi({ description: 'The name of a token; null: Watcher itself.' }),
        text: z.string().nullable(),
      })
      .openapi('IncidentEvent')

  const effect = () =>
    z
      .object({ id: z.int(), kind: incidentKind(), state: z.enum(INCIDENT_STATES), pipeline_name: z.string() })
      .openapi('IncidentEffect', { description: 'An incident that this one causes.' })

  const told = () =>
    z
      .object({
        id: z.int(),
        channel_name: z.string(),
        event: z.enum(NOTIFICATION_EVENTS),
        state: z.enum(NOTIFICATION_STATES),
        attempts: z.int(),
        error: z.string().nullable(),
        created_at: instantAnswer(),
        sent_at: instantAnswer().nullable(),
      })
      .openapi('IncidentNotification')

  const holding = () =>
    z
      .object({
        id: z.int(),
        until: instantAnswer().openapi({ description: 'When it ends; of a weekly one, when this window does.' }),
        reason: z.string(),
        created_by: z.string(),
      })
      .openapi('IncidentSilence')
      .or(z.null())
      .openapi({ description: 'The silence that holds its messages now, the one that does for longest; null: none.' })

  const incidentWithEvents = once(() =>
    z
      .object({
        ...fields(),
        events: z.array(incidentEvent()),
        affected: impactAnswer(),
        effects: z.array(effect()),
        notifications: z.array(told()),
        silence: holding(),
        cause: z
          .union([z.object({ id: z.int(), kind: z.string(), pipeline_name: z.string() }).openapi('IncidentCause'), z.null()])
          .openapi({ description: 'The incident that causes it (`caused_by`), with what it is about; null: none is known.' }),
        running_since: instantAnswer().nullable().openapi({ description: 'When its last run started, if that still runs; else null.' }),
      })
      .openapi('IncidentWithEvents'),
  )

  return { incidentFilters, incidentAnswer, incidentWithEvents }
}

/** A note to an action, or none. */
export const notePost = once(() =>
  z
    .object({
      note: optional(
        boundedText(1, 2000).openapi({
          description: 'What others should know, 1 to 2,000 characters.',
          example: 'Restarted the loader',
          minLength: 1,
          maxLength: 2000,
        }),
      ),
    })
    .optional()
    .openapi('IncidentNote'),
)

export const commentPost = once(() =>
  z
    .object({
      note: boundedText(1, 2000).openapi({
        description: 'The comment, 1 to 2,000 characters.',
        example: 'The source is down until noon',
        minLength: 1,
        maxLength: 2000,
      }),
    })
    .openapi('IncidentComment'),
)
