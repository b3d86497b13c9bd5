import { z } from '@hono/zod-openapi'
import { textFault } from './body.ts'
import { boundedText, instantField, MAX_ID } from './fields.ts'

const ID_FAULT = `Must be a whole number between 1 and ${MAX_ID}`

/** Fields of query parameters and path segments, which arrive as text. */
export const idText = (description: string) =>
  z
    .string()
    .regex(/^\d{1,16}$/, ID_FAULT)
    .transform(Number)
    .refine((id) => id >= 1 && id <= MAX_ID, { error: ID_FAULT })
    .openapi({ type: 'integer', description, minimum: 1, maximum: MAX_ID, example: 1 })

export const flagText = (description: string) =>
  z
    .enum(['true', 'false', 'True', 'False', '1', '0'], { error: 'Must be true or false' })
    .transform((text) => ['true', 'True', '1'].includes(text))
    .openapi({ type: 'boolean', description, example: true })

/** If a client does not percent-encode the `+` of an offset, the `+` arrives as a space. */
export const instantText = (description: string) =>
  z
    .string()
    .transform((text) => text.replace(/([T ]\d\d[\d:.,]*) (\d\d(?::?\d\d)?)$/, '$1+$2'))
    .pipe(instantField(description))
    .openapi({ type: 'string', format: 'date-time', description, example: '2025-01-09T00:00:00Z' })

export const nameText = (description: string) =>
  z
    .string()
    .trim()
    .check((context) => {
      const fault = textFault(context.value)
      if (fault) context.issues.push({ code: 'custom', message: fault, input: context.value })
    })
    .pipe(boundedText(1, 150))
    .openapi({ type: 'string', description, minLength: 1, maxLength: 150 })

/** A whole number from `min` to `max`; without it, `defaultValue`. */
export const numberText = (description: string, min: number, max: number, defaultValue: number) =>
  z
    .string()
    .regex(/^\d{1,16}$/, `Must be a whole number between ${min} and ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, { error: `Must be a whole number between ${min} and ${max}` })
    .default(defaultValue)
    .openapi({ type: 'integer', description, minimum: min, maximum: max, default: defaultValue })
