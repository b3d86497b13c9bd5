import { z } from 'zod'
import { ApiError } from '../../core/errors.ts'
import { type Router, serveData } from '../../http/router.ts'
import { servePage } from '../frame/page.tsx'
import { choose } from './chosen.ts'
import { toCsv } from './csv.ts'
import { ReportingPage } from './page.tsx'
import { MAX_CSV_ROWS, PAGE_ROWS, readReport } from './queries.ts'

const typed = () => z.string().optional()

const filters = () => ({ search: typed(), type: typed(), from: typed(), to: typed(), sort: typed(), order: typed() })

export const routes = (router: Router): void => {
  servePage(router, {
    path: '/reporting',
    section: 'Reporting',
    query: () => ({ ...filters(), page: typed() }),
    load: async ({ query }, { db, now }) => {
      const { chosen, page, faults } = choose(query, now)
      const report = await readReport(db, chosen, { skipped: (page - 1) * PAGE_ROWS, rows: PAGE_ROWS + 1 })
      const isKnown = chosen.type === undefined || report.types.some(({ id }) => id === chosen.type)
      return { chosen, page, report, faults: isKnown ? faults : [...faults, `There is no type ${chosen.type}.`] }
    },
    title: ({ chosen: { from, to } }) => `Reporting ${from} to ${to}`,
    view: ReportingPage,
    scripts: ['reporting'],
    styles: ['reporting'],
  })

  serveData(router, { path: '/reporting.csv', query: filters }, async ({ query }, { db, now }) => {
    const { chosen, faults } = choose(query, now)
    // A file cannot say that it shows something else than was asked for.
    if (faults.length > 0) {
      throw new ApiError('validation_failed', faults.join(' '), {
        issues: faults.map((msg) => ({ loc: ['query'], msg, type: 'not_understood' })),
      })
    }
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
