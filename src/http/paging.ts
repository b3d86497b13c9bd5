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

/** The header that leads to the page after this id; none if this is the last page. */
export const linkAfter = (url: string, next: number | null): Record<string, string> =>
  next === null ? {} : nextLink(url, { after_id: next })

/** `Link: <url with these parameters>; rel="next"` (RFC 8288). */
export const nextLink = (url: string, parameters: Record<string, number>): Record<string, string> => {
  const next = new URL(url)
  for (const [name, value] of Object.entries(parameters)) next.searchParams.set(name, String(value))
  return { Link: `<${next.href}>; rel="next"` }
}

/** What a list shows of `rows`, of which one more was read than it may show; and the id after which the next page begins, or null. */
export const pageOfRows = <Row extends { id: number }>(rows: readonly Row[], limit: number): { shown: Row[]; next: number | null } => {
  const shown = rows.slice(0, limit)
  return { shown, next: rows.length > limit ? (shown.at(-1)?.id ?? null) : null }
}
