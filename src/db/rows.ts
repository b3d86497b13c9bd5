import type { SQL } from 'drizzle-orm'
import { z } from 'zod'
import { formatInstant } from '../core/instant.ts'
import { parseJson } from '../core/json.ts'
import type { Database } from './client.ts'
import type { Statement } from './statement.ts'

/** Schemas for the columns of raw rows, which arrive as the text that PostgreSQL sends (see client.ts). */

export const whole = z.string().transform(Number)
export const decimal = z.string().transform(Number)
export const text = z.string()
export const truth = z.boolean()

/** For statements whose rows are not read. */
export const anyRow = z.unknown()

/** A `timestamptz`, in the canonical form (see core/instant.ts). */
export const moment = z.string().transform(formatInstant)

/** A `jsonb` object; integers too large for a double survive (see core/json.ts). */
export const jsonText = z.string().transform((value) => parseJson(value) as Record<string, unknown>)

/** A number in a JSON column, for display: beyond 2^53 (see core/json.ts) it becomes the nearest double. */
export const amount = z.union([z.number(), z.bigint()]).transform(Number)

/** A JSON column, read with the schema `content`. Its numbers are numbers; its timestamps are PostgreSQL's text (see `moment`). */
export const jsonOf = <Content extends z.ZodType>(content: Content) => z.string().transform(parseJson).pipe(content)

const idRow = z.object({ id: whole })

/** Runs a statement that returns one id per row. */
export const readIds = async (db: Database, statement: SQL | Statement, values?: Record<string, unknown>): Promise<number[]> =>
  (await db.rows(statement, idRow, values)).map(({ id }) => id)
