import { z } from '@hono/zod-openapi'
import { sql } from 'drizzle-orm'
import { timezoneFault } from '../core/cron.ts'
import { ApiError, bodyFault } from '../core/errors.ts'
import { addSeconds } from '../core/instant.ts'
import { once } from '../core/once.ts'
import { callFunction } from '../db/call.ts'
import type { Database } from '../db/client.ts'
import { FUNCTIONS } from '../db/functions.ts'
import { finding, listing } from '../db/json-list.ts'
import { param, prepare } from '../db/statement.ts'
import { boundedText, flagField, idField, instantAnswer, instantField, nameField, optional, stated, wording } from '../http/fields.ts'
import { pageQuery } from '../http/paging.ts'
import { serveList, serveOne } from '../http/resource.ts'
import { type Router, serveOperation } from '../http/router.ts'
import { timezoneField } from '../http/schedule-fields.ts'
import { idText } from '../http/text-fields.ts'
import type { IncidentKinds } from '../incidents/kind.ts'
import { silence } from './table.ts'

const tag = 'Channels'

const MAX_DAYS = 90
const DAY_SECONDS = 86_400

/** The days of a week, in the order of ISO 8601: Monday is 1. */
export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

const timeField = (description: string) =>
  stated(z.string(wording('Must be a time like 22:00')).regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'Must be a time like 22:00'), {
    type: 'string',
    description,
    pattern: '^([01]\\d|2[0-3]):[0-5]\\d$',
    example: '22:00',
  })

const weekly = () =>
  z
    .object({
      days: z
        .array(z.enum(WEEKDAYS, { error: `Must be one of ${WEEKDAYS.join(', ')}` }))
        .min(1, 'Must have at least one day')
        .max(7, 'Must have at most seven days')
        .openapi({ example: ['sat', 'sun'] }),
      from: timeField('When the window begins, on each of the days.'),
      to: timeField('When it ends; at or before `from` it is on the next day.'),
      timezone: optional(timezoneField()),
    })
    .openapi('WeeklyWindow', { description: 'A window that comes every week.' })

const silencePost = (kinds: [string, ...string[]]) =>
  once(() =>
    z
      .object({
        ends_at: optional(instantField(`When it ends, at most ${MAX_DAYS} days after now. Required without \`weekly\`.`)),
        starts_at: optional(instantField('When it begins. Default: now.')),
        weekly: weekly().optional(),
        pipeline_id: optional(idField('Only incidents of this pipeline.')),
        pipeline_type_id: optional(idField('Only incidents of pipelines of this type.')),
        owner: optional(nameField('Only incidents of pipelines of this owner.', 'team-finance')),
        tag: optional(
          boundedText(1, 50).openapi({ description: 'Only incidents of pipelines with this tag.', minLength: 1, maxLength: 50 }),
        ),
        kind: optional(
          z.enum(kinds, { error: `Must be one of ${kinds.join(', ')}` }).openapi({ description: 'Only incidents of this kind.' }),
        ),
        include_critical: optional(flagField('Whether a weekly window also holds critical incidents. Default: false.')),
        reason: boundedText(1, 500).openapi({
          description: 'Why, 1 to 500 characters.',
          minLength: 1,
          maxLength: 500,
          example: 'The warehouse moves',
        }),
      })
      .superRefine((body, context) => {
        if (body.ends_at === undefined && !body.weekly)
          context.addIssue({ code: 'custom', path: ['ends_at'], message: 'Required without weekly' })
      })
      .openapi('SilencePost'),
  )

const silenceAnswer = once(() =>
  z
    .object({
      id: z.int(),
      starts_at: instantAnswer(),
      ends_at: instantAnswer().nullable(),
      pipeline_id: z.int().nullable(),
      pipeline_type_id: z.int().nullable(),
      owner: z.string().nullable(),
      tag: z.string().nullable(),
      kind: z.string().nullable(),
      weekly_days: z.array(z.int()).nullable().openapi({ description: 'Monday is 1, Sunday 7.' }),
      weekly_from: z.string().nullable(),
      weekly_to: z.string().nullable(),
      weekly_timezone: z.string(),
      include_critical: z.boolean(),
      reason: z.string(),
      created_by: z.string().openapi({ description: 'The name of a token.' }),
      created_at: instantAnswer(),
    })
    .openapi('Silence'),
)

const notFound = (id: number) => new ApiError('silence_not_found', `Silence ${id} not found`)

const create = async (db: Database, row: typeof silence.$inferInsert) => {
  const [created] = await db.orm.insert(silence).values(row).returning()
  if (!created) throw new Error('an insert returned no row')
  return created
}

/** end-silence.sql describes the function's contract. */
const END = prepare(sql`select row_to_json(r) as row from ${sql.raw(FUNCTIONS.end_silence)}(${param('id')}, ${param('now')}) r`)

/** The endpoints of silences. */
export const serveSilences = (router: Router, { incidentKinds }: IncidentKinds): void => {
  const kinds = incidentKinds.map(({ kind }) => kind) as [string, ...string[]]
  const resource = { path: '/silence', tag, noun: 'silence', answer: silenceAnswer, notFound: 'silence_not_found' } as const

  serveOperation(
    router,
    {
      method: 'post',
      path: resource.path,
      access: 'write',
      operationId: 'create_silence',
      refusesUnknownFields: true, // a misspelt filter would mean everything
      tag,
      summary: 'Silence messages',
      description:
        'Incidents open and resolve as always; messages about those that begin meanwhile are held, and what is still open at the end is one message for each channel. What is given must all match; nothing given: everything.',
      body: silencePost(kinds),
      answers: { 201: { description: 'The silence.', schema: silenceAnswer } },
      errors: ['unknown_reference'],
    },
    async ({ body: { weekly: window, starts_at, ends_at, ...fields } }, { db, now, caller }) => {
      const from = starts_at ?? now
      if (ends_at !== undefined && (ends_at <= from || ends_at <= now))
        throw bodyFault('validation_failed', 'ends_at', 'ends_at: Must be later than now and starts_at')
      if (ends_at !== undefined && ends_at > addSeconds(now, MAX_DAYS * DAY_SECONDS))
        throw bodyFault('validation_failed', 'ends_at', `ends_at: Must be at most ${MAX_DAYS} days after now`)
      const zoneFault = window?.timezone === undefined ? undefined : timezoneFault(window.timezone)
      if (zoneFault) throw bodyFault('validation_failed', 'weekly', zoneFault)
      const created = await create(db, {
        ...fields,
        starts_at: from,
        ends_at,
        created_by: caller,
        created_at: now,
        ...(window && {
          weekly_days: [...new Set(window.days.map((day) => WEEKDAYS.indexOf(day) + 1))].sort(),
          weekly_from: window.from,
          weekly_to: window.to,
          weekly_timezone: window.timezone ?? 'UTC',
        }),
      })
      return { status: 201, body: created }
    },
  )

  serveList(
    router,
    resource,
    once(() => ({ ...pageQuery() })),
    listing<object>({ table: silence, conditions: {} }),
  )
  serveOne(router, resource, finding(silence))

  serveOperation(
    router,
    {
      method: 'delete',
      path: '/silence/{id}',
      access: 'write',
      operationId: 'delete_silence',
      tag,
      summary: 'End a silence',
      description: 'What it holds, and is still open, is told now.',
      params: () => ({ id: idText('The silence.') }),
      answers: { 204: { description: 'The silence has ended.' } },
      errors: ['silence_not_found'],
    },
    async ({ params: { id } }, { db, now, sendAfterwards }) => {
      const { outcome, job_ids } = await callFunction<{ outcome: 'ended' | 'unknown'; job_ids: number[] | null }>(db, END, { id, now })
      if (outcome === 'unknown') throw notFound(id)
      sendAfterwards(job_ids ?? [])
      return { status: 204 }
    },
  )
}
