import { z } from '@hono/zod-openapi'
import { parseInstant } from '../core/instant.ts'
import { once } from '../core/once.ts'
import { DATEPARTS, MAX_THRESHOLD_NUMBER, MAX_THRESHOLDS, METRIC_FIELDS } from '../db/constraints.ts'

/** The fields of the API's bodies: one definition per kind of field, with its validation and its message. */

/** A field's own message for a wrong value. Missing and null have the same message for every field (see read.ts). */
export const wording = (message: string) => ({
  error: (issue: { input?: unknown }) => (issue.input === undefined || issue.input === null ? undefined : message),
})

interface Docs {
  type: string | string[]
  enum?: readonly string[]
  [keyword: string]: unknown
}

const STATED = new WeakMap<z.ZodType, Docs>()

/** Documents a field if its schema does not say enough, and keeps these docs for `withNull`. */
export const stated = <T extends z.ZodType>(field: T, docs: Docs): T => {
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

export const boundedText = (min: number, max: number) =>
  z.string().refine(
    (text) => {
      const length = lengthOf(text)
      return length >= min && length <= max
    },
    { error: min > 0 ? `Must have ${min} to ${max} characters` : `Must have at most ${max} characters` },
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

/** The largest id: every JSON reader keeps it exactly. */
export const MAX_ID = Number.MAX_SAFE_INTEGER

export const idField = (description: string) =>
  stated(z.int(wording('Must be a whole number')).min(1, 'Must be at least 1').max(MAX_ID, `Must be at most ${MAX_ID}`), {
    type: 'integer',
    description,
    minimum: 1,
    maximum: MAX_ID,
    example: 1,
  })

/** A whole number between two bounds. */
export const wholeNumber = (description: string, min: number, max: number, example: number) =>
  stated(
    z.int(wording('Must be a whole number')).min(min, `Must be between ${min} and ${max}`).max(max, `Must be between ${min} and ${max}`),
    { type: 'integer', description, minimum: min, maximum: max, example },
  )

/** A number of rows. Integers beyond 2^53 arrive as bigint (see core/json.ts) and get the same message. */
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
      description: `${description} ISO 8601; without an offset it means UTC.`,
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
      description: `${description} A string, an integer or a timestamp; stored as the given text, at most 50 characters.`,
      example: '150',
    },
  )

/** Any JSON object; the client decides its content. */
export const metadataField = (description: string) =>
  stated(
    z.custom<Record<string, unknown>>((value) => value !== null && typeof value === 'object' && !Array.isArray(value), {
      error: 'Must be a JSON object',
    }),
    { type: 'object', additionalProperties: true, description, example: { partition: '2025-01-09' } },
  )

export const oneOfField = <const T extends readonly [string, ...string[]]>(
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

export const datepartField = (what: string) => oneOfField(DATEPARTS, `Unit of ${what}, in UTC calendar arithmetic. Upper or lower case.`)

export const metricField = (description: string) =>
  oneOfField(METRIC_FIELDS, `${description} Upper or lower case. Aliases: total_inserts, total_updates, total_soft_deletes.`, {
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

/**
 * Documents null too, where the field itself has documented its type: `nullable()` does not add it there. Other fields stay as they are: docs of
 * its own would take a component's name from it.
 */
const withNull = <T extends z.ZodType>(field: z.ZodType, nullable: T): T => {
  const { type, enum: values } = STATED.get(field) ?? {}
  if (!type) return nullable
  return nullable.openapi({ type: [type, 'null'].flat() as ('string' | 'null')[], ...(values ? { enum: [...values, null] } : {}) })
}

/** In a POST, null means the same as an absent field: the Python SDK sends null for every field that it does not set. */
export const optional = <T extends z.ZodType>(field: T) =>
  withNull(
    field,
    field.nullish().transform((value) => (value ?? undefined) as z.output<T> | undefined),
  )

/** In a PATCH, null clears the field. */
export const clearable = <T extends z.ZodType>(field: T) => withNull(field, field.nullable().optional())

/** The freshness and timeliness thresholds of a pipeline or a type: fields that may be empty, and fields that always have a value. */
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

/** Refuses a number without its datepart, a datepart without its number, and more than about a thousand years. */
export const requireWholeThresholds = (body: Thresholds, context: z.RefinementCtx): void => {
  for (const what of ['freshness', 'timeliness'] as const) {
    const [number, datepart] = [`${what}_number`, `${what}_datepart`] as const
    const max = MAX_THRESHOLDS[body[datepart] as keyof typeof MAX_THRESHOLDS]
    if (max !== undefined && (body[number] ?? 0) > max) {
      context.addIssue({ code: 'custom', path: [number], message: `Must be at most ${max} for ${body[datepart]}` })
    }
    if ((body[number] === undefined) === (body[datepart] === undefined)) continue
    const [given, missing] = body[number] === undefined ? [datepart, number] : [number, datepart]
    context.addIssue({ code: 'custom', path: [missing], message: `Required with ${given}` })
  }
}

/** The threshold columns of an answer. */
export const thresholdAnswer = once(() => ({
  freshness_number: z.int().nullable(),
  freshness_datepart: z.enum(DATEPARTS).nullable(),
  mute_freshness_check: z.boolean(),
  timeliness_number: z.int().nullable(),
  timeliness_datepart: z.enum(DATEPARTS).nullable(),
  mute_timeliness_check: z.boolean(),
}))

export const instantAnswer = () => z.string().openapi({ format: 'date-time', example: '2025-01-09T20:30:45.123456Z' })

/** The answer of an operation that only records a job. */
export const queuedAnswer = once(() => z.object({ status: z.literal('queued') }).openapi('Queued'))

export const idAnswer = once(() => z.object({ id: z.int().openapi({ example: 1 }) }).openapi('Id'))
