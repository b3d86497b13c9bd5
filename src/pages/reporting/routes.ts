import { z } from 'zod'
import { ApiError } from '../../core/errors.ts'
import { type Router, serveData } from '../../http/router.ts'
import { idInQuery, pageNumber, searchText } from '../frame/fields.ts'
import { servePage } from '../frame/page.tsx'
import { toCsv } from './csv.ts'
import { ReportingPage } from './page.tsx'
import { COLUMNS, MAX_CSV_ROWS, PAGE_ROWS, type ReportFilters, readReport } from './queries.ts'

const DAY_MILLIS = 86_400_000
const MAX_DAYS = 366
const DEFAULT_DAYS = 7

/** A day that both JavaScript and PostgreSQL can represent. */
const day = () =>
  z.iso
    .date()
    .refine((text) => text >= '1970-01-01' && text < '3000-01-01')
    .optional()
    .catch(undefined)

const filters = () => ({
  search: searchText(),
  type: idInQuery(),
  from: day(),
  to: day(),
  sort: z.enum(COLUMNS).catch('day'),
  order: z.enum(['asc', 'desc']).catch('desc'),
})

const dayBefore = (day: string, days: number): string => new Date(Date.parse(day) - days * DAY_MILLIS).toISOString().slice(0, 10)

/** Adds missing days: the last day is today, the first is six days before the last. Cuts the period to the 366 days before its last day. */
const withDays = (
  { from, to, ...rest }: Omit<ReportFilters, 'from' | 'to'> & { from?: string | undefined; to?: string | undefined },
  now: string,
): ReportFilters => {
  const last = to ?? (from !== undefined && from > now.slice(0, 10) ? from : now.slice(0, 10))
  const first = from !== undefined && from <= last ? from : dayBefore(last, DEFAULT_DAYS - 1)
  const earliest = dayBefore(last, MAX_DAYS - 1)
  return { ...rest, from: first < earliest ? earliest : first, to: last }
}

export const routes = (router: Router): void => {
  servePage(router, {
    path: '/reporting',
    section: 'Reporting',
    query: () => ({ ...filters(), page: pageNumber() }),
    load: async ({ query: { page, ...query } }, { db, now }) => {
      const chosen = withDays(query, now)
      return { chosen, page, report: await readReport(db, chosen, { skipped: (page - 1) * PAGE_ROWS, rows: PAGE_ROWS + 1 }) }
    },
    title: ({ chosen: { from, to } }) => `Reporting ${from} to ${to}`,
    view: ReportingPage,
    scripts: ['reporting'],
    styles: ['reporting'],
  })

  serveData(router, { path: '/reporting.csv', query: filters }, async ({ query }, { db, now }) => {
    const chosen = withDays(query, now)
    const { rows } = await readReport(db, chosen, { skipped: 0, rows: MAX_CSV_ROWS + 1 })
    if (rows.length > MAX_CSV_ROWS) {
      throw new ApiError('page_too_large', `The report has more than ${MAX_CSV_ROWS} rows: choose fewer days, a type or a name`)
    }
    return {
      status: 200,
      text: toCsv(rows),
      headers: {
        'Content-Type': 'text/csv; charset=utf-8',
        'Content-Disposition': `attachment; filename="watcher-${chosen.from}-to-${chosen.to}.csv"`,
      },
    }
  })
}
