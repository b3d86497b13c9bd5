import type { SQL } from 'drizzle-orm'
import { z } from 'zod'
import { formatInstant } from '../core/instant.ts'
import { parseJson } from '../core/json.ts'
import type { Database } from './client.ts'
import type { Statement } from './statement.ts'

/** Readers for the columns of raw rows, which arrive as the text PostgreSQL sends (see client.ts). */

export const whole = z.string().transform(Number)
export const decimal = z.string().transform(Number)
export const text = z.string()
export const truth = z.boolean()

/** For statements whose rows nobody reads. */
export const anyRow = z.unknown()

/** A `timestamptz`, in the canonical form (see core/instant.ts). */
export const moment = z.string().transform(formatInstant)

/** A `jsonb` object; integers too large for a double survive (see core/json.ts). */
export const jsonText = z.string().transform((value) => parseJson(value) as Record<string, unknown>)

/** A number in a JSON column, for people to look at: beyond 2^53 (see core/json.ts) the nearest there is. */
export const amount = z.union([z.number(), z.bigint()]).transform(Number)

/** A JSON column with these contents; numbers in it are numbers, timestamps PostgreSQL's text (see `moment`). */
export const jsonOf = <Content extends z.ZodType>(content: Content) => z.string().transform(parseJson).pipe(content)

const idRow = z.object({ id: whole })

/** Runs a statement that answers ids, one a row. */
export const readIds = async (db: Database, statement: SQL | Statement, values?: Record<string, unknown>): Promise<number[]> =>
  (await db.rows(statement, idRow, values)).map(({ id }) => id)
