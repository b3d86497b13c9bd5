import { z } from '@hono/zod-openapi'
import { parseInstant } from '../core/instant.ts'
import { once } from '../core/once.ts'
import { DATEPARTS, MAX_THRESHOLD_NUMBER, MAX_THRESHOLDS, METRIC_FIELDS } from '../db/constraints.ts'

/** The vocabulary of the API's bodies: one definition per kind of field, with the rule and its words. */

/** A field's own words, but for what is missing or null: the router says that the same way for every field. */
const wording = (message: string) => ({
  error: (issue: { input?: unknown }) => (issue.input === undefined || issue.input === null ? undefined : message),
})

interface Docs {
  type: string | string[]
  enum?: readonly string[]
  [keyword: string]: unknown
}

const STATED = new WeakMap<z.ZodType, Docs>()

/** The field with what the docs say of it, where that cannot be told from the schema; remembered for `orNull`. */
const stated = <T extends z.ZodType>(field: T, docs: Docs): T => {
  const described = field.openapi(docs as never)
  STATED.set(described, docs)
  return described
}

/** Characters as people and PostgreSQL count them, not UTF-16 units. */
const lengthOf = (text: string): number => {
  let length = 0
  for (const _ of text) length += 1
  return length
}

export const boundedText = (least: number, most: number) =>
  z.string().refine(
    (text) => {
      const length = lengthOf(text)
      return length >= least && length <= most
    },
    { error: least > 0 ? `Must have ${least} to ${most} characters` : `Must have at most ${most} characters` },
  )

/** A name: trimmed, 1 to 150 characters. */
export const nameField = (description: string, example: string) =>
  stated(z.string().trim().pipe(boundedText(1, 150)), {
    type: 'string',
    description: `${description} Trimmed, 1 to 150 characters.`,
    minLength: 1,
    maxLength: 150,
    example,
  })

/** Up to 50 characters, kept as given. */
export const shortText = (description: string, example: string) => boundedText(0, 50).openapi({ description, maxLength: 50, example })

export const idField = (description: string) =>
  stated(z.int(wording('Must be a whole number')).min(1, 'Must be at least 1'), { type: 'integer', description, minimum: 1, example: 1 })

/** A whole number between two bounds. */
export const wholeNumber = (description: string, least: number, most: number, example: number) =>
  stated(
    z
      .int(wording('Must be a whole number'))
      .min(least, `Must be between ${least} and ${most}`)
      .max(most, `Must be between ${least} and ${most}`),
    { type: 'integer', description, minimum: least, maximum: most, example },
  )

/** A number of rows. Integers beyond 2^53 arrive as bigint (see json.ts) and are refused with a sentence. */
export const countField = (description: string) =>
  stated(
    z
      .union([z.number(), z.bigint()], wording('Must be a whole number'))
      .refine((value) => typeof value === 'bigint' || Number.isInteger(value), { error: 'Must be a whole number' })
      .refine((value) => value >= 0 && value <= 2 ** 53, { error: 'Must be between 0 and 9007199254740992' })
      .transform(Number),
    { type: 'integer', description, minimum: 0, maximum: 2 ** 53, example: 150 },
  )

export const flagField = (description: string) => z.boolean(wording('Must be true or false')).openapi({ description })

const INSTANT_FAULT = 'Must be an ISO 8601 instant such as 2025-01-09T20:30:45.123456Z'

export const instantField = (description: string) =>
  stated(
    z.string(wording(INSTANT_FAULT)).transform((text, context) => {
      const instant = parseInstant(text)
      if (instant === null) context.addIssue({ code: 'custom', message: INSTANT_FAULT })
      return instant ?? z.NEVER
    }),
    {
      type: 'string',
      format: 'date-time',
      description: `${description} ISO 8601; without an offset it is taken for UTC.`,
      example: '2025-01-09T20:30:45.123456Z',
    },
  )

export const watermarkField = (description: string) =>
  stated(
    z
      .union([z.string(), z.int(), z.bigint()], wording('Must be a string (of an id or a timestamp, for example) or a whole number'))
      .transform(String)
      .pipe(boundedText(0, 50)),
    {
      type: ['string', 'integer'],
      description: `${description} A string, an integer or a timestamp; kept as the string given, at most 50 characters.`,
      example: '150',
    },
  )

/** Any JSON object; its content is the client's. */
export const metadataField = (description: string) =>
  stated(
    z.custom<Record<string, unknown>>((value) => value !== null && typeof value === 'object' && !Array.isArray(value), {
      error: 'Must be a JSON object',
    }),
    { type: 'object', additionalProperties: true, description, example: { partition: '2025-01-09' } },
  )

const oneOfField = <const T extends readonly [string, ...string[]]>(
  values: T,
  description: string,
  aliases: Record<string, T[number]> = {},
) =>
  stated(
    z
      .string(wording(`Must be one of ${values.join(', ')}`))
      .transform((text) => aliases[text.toLowerCase()] ?? text.toLowerCase())
      .pipe(z.enum(values, { error: `Must be one of ${values.join(', ')}` })),
    { type: 'string', enum: values, description, example: values[0] },
  )

export const datepartField = (what: string) => oneOfField(DATEPARTS, `Unit of ${what}, in UTC calendar arithmetic. Any case.`)

export const metricField = (description: string) =>
  oneOfField(METRIC_FIELDS, `${description} Any case; total_inserts, total_updates and total_soft_deletes are other names.`, {
    total_inserts: 'inserts',
    total_updates: 'updates',
    total_soft_deletes: 'soft_deletes',
  })

export const thresholdNumber = (what: string) =>
  stated(
    z
      .int(wording('Must be a whole number'))
      .min(1, 'Must be at least 1')
      .max(MAX_THRESHOLD_NUMBER, `Must be at most ${MAX_THRESHOLD_NUMBER}`),
    {
      type: 'integer',
      description: `How many dateparts: ${what}. At most about a thousand years.`,
      minimum: 1,
      maximum: MAX_THRESHOLD_NUMBER,
      example: 12,
    },
  )

/** A type that a field states for the docs itself does not learn of null by being made nullable. */
const orNull = (field: z.ZodType) => {
  const { type, enum: values } = STATED.get(field) ?? {}
  return { ...(type ? { type: [type, 'null'].flat() as ('string' | 'null')[] } : {}), ...(values ? { enum: [...values, null] } : {}) }
}

/** In a POST null means "no opinion", as if the field were absent: the Python SDK sends null for all it does not set. */
export const optional = <T extends z.ZodType>(field: T) =>
  field
    .nullish()
    .transform((value) => (value ?? undefined) as z.output<T> | undefined)
    .openapi(orNull(field))

/** In a PATCH null clears the field. */
export const clearable = <T extends z.ZodType>(field: T) => field.nullable().optional().openapi(orNull(field))

/** The freshness and timeliness rule of a pipeline or a type: what may be empty, and what always has a value. */
export const thresholdFields = once(() => ({
  emptiable: {
    freshness_number: thresholdNumber('how old the last insert, update or delete may be'),
    freshness_datepart: datepartField('freshness_number'),
    timeliness_number: thresholdNumber('how long an execution may take'),
    timeliness_datepart: datepartField('timeliness_number'),
  },
  kept: {
    mute_freshness_check: flagField('Skip the freshness check.'),
    mute_timeliness_check: flagField('Skip the timeliness check.'),
  },
}))

interface Thresholds {
  freshness_number?: number
  freshness_datepart?: string
  timeliness_number?: number
  timeliness_datepart?: string
}

/** A number without its datepart, or the reverse, means nothing; nor does one of more than about a thousand years. */
export const requireWholeThresholds = (body: Thresholds, context: z.RefinementCtx): void => {
  for (const what of ['freshness', 'timeliness'] as const) {
    const [number, datepart] = [`${what}_number`, `${what}_datepart`] as const
    const most = MAX_THRESHOLDS[body[datepart] as keyof typeof MAX_THRESHOLDS]
    if (most !== undefined && (body[number] ?? 0) > most) {
      context.addIssue({ code: 'custom', path: [number], message: `Must be at most ${most} for ${body[datepart]}` })
    }
    if ((body[number] === undefined) === (body[datepart] === undefined)) continue
    const [given, missing] = body[number] === undefined ? [datepart, number] : [number, datepart]
    context.addIssue({ code: 'custom', path: [missing], message: `Required with ${given}` })
  }
}

/** The columns of a threshold as every answer has them. */
export const thresholdAnswer = once(() => ({
  freshness_number: z.int().nullable(),
  freshness_datepart: z.enum(DATEPARTS).nullable(),
  mute_freshness_check: z.boolean(),
  timeliness_number: z.int().nullable(),
  timeliness_datepart: z.enum(DATEPARTS).nullable(),
  mute_timeliness_check: z.boolean(),
}))

export const instantAnswer = () => z.string().openapi({ format: 'date-time', example: '2025-01-09T20:30:45.123456Z' })

/** Of an endpoint that only records a job. */
export const queuedAnswer = once(() => z.object({ status: z.literal('queued') }).openapi('Queued'))

export const idAnswer = once(() => z.object({ id: z.int().openapi({ example: 1 }) }).openapi('Id'))
