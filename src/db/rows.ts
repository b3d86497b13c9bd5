import { z } from 'zod'
import { formatInstant } from '../http/instant.ts'
import { parseJson } from '../http/json.ts'

/** Readers for the columns of raw rows, which arrive as the text PostgreSQL sends (see client.ts). */

export const whole = z.string().transform(Number)
export const decimal = z.string().transform(Number)
export const text = z.string()
export const truth = z.boolean()

/** For statements whose rows nobody reads. */
export const anyRow = z.unknown()

/** A `timestamptz`, in the canonical form (see http/instant.ts). */
export const moment = z.string().transform(formatInstant)

/** A `jsonb` object; integers too large for a double survive (see http/json.ts). */
export const jsonText = z.string().transform((value) => parseJson(value) as Record<string, unknown>)
