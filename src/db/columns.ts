import { sql } from 'drizzle-orm'
import { bigint, boolean, customType, type ReferenceConfig } from 'drizzle-orm/pg-core'
import { formatInstant } from '../core/instant.ts'
import { parseJson, stringifyJson } from '../core/json.ts'

/** `timestamptz`, read as ISO 8601 in UTC with six fractional digits, written as the given text. */
export const instant = customType<{ data: string; driverData: string }>({
  dataType: () => 'timestamp with time zone',
  fromDriver: formatInstant,
})

/** `jsonb` object; integers too large for a double survive the round trip (see core/json.ts). */
export const jsonObject = customType<{ data: Record<string, unknown>; driverData: string }>({
  dataType: () => 'jsonb',
  fromDriver: (text) => parseJson(text) as Record<string, unknown>,
  toDriver: stringifyJson,
})

/** Surrogate key. A bigint can hold every id that a client may send. */
export const id = () => bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity()

/** Foreign key to an `id()` column. */
export const reference = (to: ReferenceConfig['ref'], actions?: ReferenceConfig['actions']) =>
  bigint({ mode: 'number' }).references(to, actions)

/** A whole number up to 2^53. */
export const count = () => bigint({ mode: 'number' })

export const flag = (defaultValue: boolean) => boolean().notNull().default(defaultValue)

export const createdAt = () => instant().notNull().default(sql`now()`)
