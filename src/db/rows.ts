import { z } from 'zod'

/** Readers for the columns of raw rows, which arrive as the text PostgreSQL sends (see client.ts). */

export const whole = z.string().transform(Number)
export const text = z.string()
export const truth = z.boolean()

/** For statements whose rows nobody reads. */
export const anyRow = z.unknown()
