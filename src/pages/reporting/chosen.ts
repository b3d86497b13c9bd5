import { z } from 'zod'
import { LAST_PAGE, typedId, typedName, typedReader } from '../frame/fields.ts'
import { COLUMNS, type ReportFilters } from './queries.ts'

/** What the address says, as it was typed. */
export type Typed = Partial<Record<'search' | 'type' | 'from' | 'to' | 'sort' | 'order' | 'page', string | undefined>>

export interface Chosen {
  chosen: ReportFilters
  page: number
  /** One sentence for each value that was not understood. */
  faults: string[]
}

const DAY_MILLIS = 86_400_000
const MAX_DAYS = 366
const DEFAULT_DAYS = 7

/** A day that both JavaScript and PostgreSQL can represent. */
const day = z.iso.date().refine((text) => text >= '1970-01-01' && text < '3000-01-01')
const pageNumber = z.coerce.number().int().min(1).max(LAST_PAGE)
const column = z.enum(COLUMNS)
const order = z.enum(['asc', 'desc'])

const dayBefore = (day: string, days: number): string => new Date(Date.parse(day) - days * DAY_MILLIS).toISOString().slice(0, 10)

/**
 * Reads the values; one that is not understood counts as absent, and `faults` says so. Without days the last one is today, and the first
 * six days before the last. A longer period than 366 days is cut at its beginning.
 */
export const choose = (typed: Typed, now: string): Chosen => {
  const faults: string[] = []
  const read = typedReader(faults)
  const today = now.slice(0, 10)
  const from = read(day, typed.from, undefined, 'a day like 2026-01-31: the last days are shown')
  const to = read(day, typed.to, undefined, 'a day like 2026-01-31: the days until today are shown')
  const last = to ?? (from !== undefined && from > today ? from : today)
  const earliest = dayBefore(last, MAX_DAYS - 1)
  let first = from ?? dayBefore(last, DEFAULT_DAYS - 1)
  if (first > last) {
    faults.push(`From (${first}) is after to (${last}): the ${DEFAULT_DAYS} days until ${last} are shown.`)
    first = dayBefore(last, DEFAULT_DAYS - 1)
  } else if (first < earliest) {
    faults.push(`A report has at most ${MAX_DAYS} days: it begins on ${earliest}, not on ${first}.`)
    first = earliest
  }
  return {
    chosen: {
      search: read(typedName, typed.search, '', 'a part of a name of at most 150 letters: all pipelines are shown'),
      type: read(typedId, typed.type, undefined, 'the id of a type: all types are shown'),
      from: first,
      to: last,
      sort: read(column, typed.sort, 'day' as const, 'a column: the report is sorted by day'),
      order: read(order, typed.order, 'desc' as const, 'an order, asc or desc: it is desc'),
    },
    page: read(pageNumber, typed.page, 1, `a page from 1 to ${LAST_PAGE}: the first is shown`),
    faults,
  }
}
