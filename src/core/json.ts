/**
 * JSON that keeps integers beyond 2^53. Otherwise a watermark such as 1736454645123456789 (nanoseconds) would change its
 * last digits when it is read, and the next incremental load would skip or repeat rows.
 */

// "Source text access", in V8 since 11.4; TypeScript's library does not know it yet.
type ReviverContext = { source?: string }
const native = JSON as unknown as {
  parse(text: string, reviver: (key: string, value: unknown, context: ReviverContext) => unknown): unknown
  rawJSON(text: string): unknown
}

/** An unsafe integer has at least sixteen digits. If no number has so many, the plain parser is exact, and faster. */
const MAYBE_UNSAFE = /\d{16}/
const INTEGER = /^-?\d+$/

/** Parses JSON; integers beyond 2^53 become bigint. Throws SyntaxError if the text is not JSON. */
export const parseJson = (text: string): unknown => {
  if (!MAYBE_UNSAFE.test(text)) return JSON.parse(text)
  return native.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && Number.isFinite(value) && INTEGER.test(source ?? '')
      ? BigInt(source as string)
      : value,
  )
}

/** Writes JSON; a bigint becomes a number with all its digits. */
export const stringifyJson = (value: unknown): string =>
  JSON.stringify(value, (_key, part) => (typeof part === 'bigint' ? native.rawJSON(part.toString()) : part))

/** The same text for equal values: object keys sorted at every level. */
export const canonicalJson = (value: unknown): string => stringifyJson(sortKeys(value))

const sortKeys = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sortKeys)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, part]) => [key, sortKeys(part)]),
  )
}
