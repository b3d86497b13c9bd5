import { once } from '../core/once.ts'
import { MAX_ID } from './fields.ts'
import { numberText } from './text-fields.ts'

/** The query parameters of every list. */
export const pageQuery = once(() => ({
  limit: numberText('The maximum number of rows in the answer.', 1, 1000, 1000),
  after_id: numberText('Only rows with a greater id: for the next page, the id of the last row.', 0, MAX_ID, 0),
}))

export interface Page {
  limit: number
  after_id: number
}

/** The number of rows to read: one more than the page has, to know if another page follows. */
export const rowsToRead = ({ limit }: Page): number => limit + 1

/** The page itself, and the `Link` header that leads to the next one, if there is one. */
export const pageOf = <Row extends { id: number }>(
  rows: Row[],
  { limit }: Page,
  url: string,
): { rows: Row[]; headers: Record<string, string> } => {
  if (rows.length <= limit) return { rows, headers: {} }
  const page = rows.slice(0, limit)
  return { rows: page, headers: nextLink(url, { after_id: page.at(-1)?.id ?? 0 }) }
}

/** `Link: <url with these parameters>; rel="next"` (RFC 8288). */
export const nextLink = (url: string, parameters: Record<string, number>): Record<string, string> => {
  const next = new URL(url)
  for (const [name, value] of Object.entries(parameters)) next.searchParams.set(name, String(value))
  return { Link: `<${next.href}>; rel="next"` }
}
