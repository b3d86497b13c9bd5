import { z } from 'zod'
import { formatInstant } from '../core/instant.ts'

/** An alert lists at most this many items, and counts the others. */
export const MAX_ITEMS = 20

/** PostgreSQL writes timestamps into JSON in its own format. */
export const alertInstant = z.string().transform(formatInstant)

/** A JSON number. Our JSON reader returns whole numbers beyond 2^53 as bigint. */
export const alertAmount = z.union([z.number(), z.bigint()]).transform(Number)

/** The fields of every alert about findings. */
export const foundFields = {
  /** When the findings were found. */
  at: alertInstant,
  /** How many findings there are; `items` holds the first MAX_ITEMS. */
  count: z.int(),
}

/** One line of the details: a value, or a list of items. */
export type Detail = [label: string, value: string] | [label: string, bullet: '•' | '-', items: string[], count: number]

/** The content of an alert; message.ts lays it out. */
export interface Message {
  at: string
  level: 'WARNING' | 'CRITICAL' | 'RESOLVED'
  title?: string
  message: string
  details: Detail[]
}

/** One kind of alert: it reads the payload and writes the message. The payload's field `alert` names the kind; it travels in the job `notify`. */
export interface AlertKind {
  kind: string
  /** Reads what a sweep recorded for its message, or an incident's numbers. Throws ZodError if they do not fit. */
  describe: (payload: unknown) => Message
}

/** Makes an alert kind from the schema of its payload and the function that writes its message. */
export const alertKind = <Alert>(kind: string, schema: () => z.ZodType<Alert>, describe: (alert: Alert) => Message): AlertKind => ({
  kind,
  describe: (payload) => describe(schema().parse(payload)),
})
