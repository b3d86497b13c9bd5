import { z } from 'zod'
import { formatInstant } from '../core/instant.ts'

/** More items than this are counted, not listed. */
export const MAX_ITEMS = 20

/** PostgreSQL puts timestamps into JSON in its own form. */
export const alertInstant = z.string().transform(formatInstant)

/** A JSON number; our reader takes whole ones beyond 2^53 for bigint. */
export const alertAmount = z.union([z.number(), z.bigint()]).transform(Number)

/** What every alert about findings has. */
export const foundFields = {
  /** When it was found. */
  at: alertInstant,
  /** How many there are in all; `items` holds the first MAX_ITEMS. */
  count: z.int(),
}

/** One line of the details: a value, or items below it. */
export type Detail = [label: string, value: string] | [label: string, bullet: '•' | '-', items: string[], count: number]

/** What an alert says, before it is laid out (message.ts). */
export interface Message {
  at: string
  level: 'WARNING' | 'CRITICAL'
  title?: string
  message: string
  details: Detail[]
}

/** One kind of alert: how its payload is read, and what it says. The payload's `alert` names the kind. */
export interface AlertKind {
  kind: string
  /** Reads the payload of its `send_alert` job. Throws ZodError where it is no such alert. */
  describe: (payload: unknown) => Message
}

/** Makes an alert kind of a schema and the words for what it reads. */
export const alertKind = <Alert>(kind: string, schema: () => z.ZodType<Alert>, describe: (alert: Alert) => Message): AlertKind => ({
  kind,
  describe: (payload) => describe(schema().parse(payload)),
})
