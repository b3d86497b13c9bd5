import { z } from '@hono/zod-openapi'
import { once } from '../core/once.ts'
import { SEVERITIES } from '../db/constraints.ts'
import {
  clearable,
  flagField,
  idField,
  instantAnswer,
  MAX_ID,
  nameField,
  oneOfField,
  optional,
  stated,
  wholeNumber,
  wording,
} from '../http/fields.ts'
import { tagsField } from '../http/on-call-fields.ts'
import { pageQuery } from '../http/paging.ts'
import { patchBody } from '../http/patch.ts'
import { idText, numberText } from '../http/text-fields.ts'
import type { IncidentKinds } from '../incidents/kind.ts'
import { CHANNEL_KINDS, channels } from './channels/index.ts'
import { NOTIFICATION_EVENTS, NOTIFICATION_STATES, REPEAT_MINUTES } from './table.ts'

const MAX_FILTER_ITEMS = 100

const listOf = <T extends z.ZodType>(item: T, items: Record<string, unknown>, description: string) =>
  stated(
    z
      .array(item, wording('Must be a list'))
      .min(1, 'Must have at least one item')
      .max(MAX_FILTER_ITEMS, `Must have at most ${MAX_FILTER_ITEMS} items`),
    {
      type: 'array',
      items,
      minItems: 1,
      maxItems: MAX_FILTER_ITEMS,
      description,
    },
  )

const settingsField = (description: string) =>
  stated(z.record(z.string(), z.unknown(), wording('Must be a JSON object')), {
    type: 'object',
    additionalProperties: true,
    description: `${description} By kind:\n\n${channels.map((channel) => `- \`${channel.kind}\`: ${channel.description}`).join('\n')}`,
    example: { webhook_url: 'https://hooks.slack.com/services/T000/B000/XXXX' },
  })

/** The fields of a channel beside its kind and settings. */
const channelFields = (kinds: [string, ...string[]]) => ({
  emptiable: {
    min_severity: oneOfField(SEVERITIES, 'Only incidents of at least this severity; null: all.'),
    kinds: listOf(
      z.enum(kinds, { error: `Must be one of ${kinds.join(', ')}` }),
      { type: 'string', enum: kinds },
      'Only incidents of these kinds; null: all.',
    ),
    owners: listOf(nameField('An owner.', 'team-finance'), { type: 'string' }, 'Only incidents of pipelines of these owners; null: all.'),
    tags: tagsField('Only incidents of pipelines with at least one of these tags; null: all.', { min: 1 }),
    pipeline_type_ids: listOf(
      idField('A pipeline type.'),
      { type: 'integer', minimum: 1, maximum: MAX_ID },
      'Only incidents of pipelines of these types; null: all.',
    ),
    repeat_minutes: wholeNumber(
      'Minutes between two reminders while an incident is open and nobody has acknowledged it; null: none.',
      REPEAT_MINUTES.min,
      REPEAT_MINUTES.max,
      240,
    ),
  },
  kept: {
    active: flagField('false: nothing is sent. Default: true.'),
    send_resolved: flagField('Whether to tell when it is over. Default: true.'),
  },
})

/** The schemas that list the kinds of incidents. */
export const channelSchemas = ({ incidentKinds }: IncidentKinds) => {
  const kinds = incidentKinds.map(({ kind }) => kind) as [string, ...string[]]
  const fields = once(() => channelFields(kinds))
  const kind = () => oneOfField(CHANNEL_KINDS, 'What it sends, and where to.')
  const name = () => nameField('Unique, case-insensitive.', 'on-call')

  const channelPost = once(() => {
    const { emptiable, kept } = fields()
    return z
      .object({
        name: name(),
        kind: kind(),
        settings: settingsField('Where to send. Secrets are stored encrypted and never answered.'),
        min_severity: optional(emptiable.min_severity),
        kinds: optional(emptiable.kinds),
        owners: optional(emptiable.owners),
        tags: optional(emptiable.tags),
        pipeline_type_ids: optional(emptiable.pipeline_type_ids),
        repeat_minutes: optional(emptiable.repeat_minutes),
        active: optional(kept.active),
        send_resolved: optional(kept.send_resolved),
      })
      .openapi('ChannelPost')
  })

  const channelPatch = once(() => {
    const { emptiable, kept } = fields()
    return patchBody('channel', {
      kind: kind().optional(),
      settings: settingsField('All settings of the channel, together with its `kind`: they replace the stored ones.').optional(),
      min_severity: clearable(emptiable.min_severity),
      kinds: clearable(emptiable.kinds),
      owners: clearable(emptiable.owners),
      tags: clearable(emptiable.tags),
      pipeline_type_ids: clearable(emptiable.pipeline_type_ids),
      repeat_minutes: clearable(emptiable.repeat_minutes),
      active: kept.active.optional(),
      send_resolved: kept.send_resolved.optional(),
    })
      .superRefine(({ changes }, context) => {
        if (changes.settings !== undefined && changes.kind === undefined)
          context.addIssue({ code: 'custom', path: ['kind'], message: 'Required with settings' })
      })
      .openapi('ChannelPatch')
  })

  const channelAnswer = once(() =>
    z
      .object({
        id: z.int(),
        name: z.string().openapi({ example: 'on-call' }),
        kind: z.enum(CHANNEL_KINDS),
        settings: z.record(z.string(), z.unknown()).openapi({ description: 'Of a secret, `…` and its last four characters.' }),
        active: z.boolean(),
        min_severity: z.enum(SEVERITIES).nullable(),
        kinds: z.array(z.enum(kinds)).nullable(),
        owners: z.array(z.string()).nullable(),
        tags: z.array(z.string()).nullable(),
        pipeline_type_ids: z.array(z.int()).nullable(),
        send_resolved: z.boolean(),
        repeat_minutes: z.int().nullable(),
        created_at: instantAnswer(),
        updated_at: instantAnswer().nullable(),
      })
      .openapi('Channel'),
  )

  return { channelPost, channelPatch, channelAnswer }
}

export const channelFilters = once(() => ({ ...pageQuery() }))

/** What the other side said to a test. */
export const testAnswer = once(() =>
  z
    .object({
      delivered: z.boolean(),
      answer: z
        .string()
        .openapi({ description: 'What the other side said, or why nothing could be sent.', example: 'Slack answered 200 (ok)' }),
    })
    .openapi('ChannelTest'),
)

export const notificationFilters = once(() => ({
  limit: numberText('The maximum number of rows in the answer.', 1, 1000, 1000),
  before_id: numberText('Only notifications with a lower id: for the next page, the id of the last row.', 1, MAX_ID, MAX_ID),
  incident_id: idText('Only notifications about this incident.').optional(),
  channel_id: idText('Only notifications to this channel.').optional(),
  state: z
    .enum(NOTIFICATION_STATES, { error: `Must be one of ${NOTIFICATION_STATES.join(', ')}` })
    .optional()
    .openapi({ description: 'Only notifications in this state.' }),
}))

export const notificationAnswer = once(() =>
  z
    .object({
      id: z.int(),
      channel_id: z.int().nullable().openapi({ description: 'null: the channel of the environment (SLACK_WEBHOOK_URL, else the log).' }),
      channel_name: z.string(),
      incident_id: z.int(),
      event: z.enum(NOTIFICATION_EVENTS),
      state: z.enum(NOTIFICATION_STATES).openapi({ description: '`dropped`: over before it was sent, or the channel is gone.' }),
      attempts: z.int(),
      error: z.string().nullable().openapi({ description: 'Why the last attempt failed.' }),
      job_id: z.int().nullable(),
      created_at: instantAnswer(),
      sent_at: instantAnswer().nullable(),
    })
    .openapi('Notification'),
)
