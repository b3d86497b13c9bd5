import { z } from 'zod'
import type { Router } from '../../http/router.ts'
import { idInQuery, pageNumber, searchText } from '../../pages/fields.ts'
import { servePage } from '../../pages/page.tsx'
import type { Feature } from '../feature.ts'
import { OverviewPage } from './page.tsx'
import { FILTERS, PROBLEMS } from './problems.ts'
import { readOverview } from './queries.ts'

const routes = (router: Router): void =>
  servePage(router, {
    path: '/overview',
    section: 'Overview',
    query: () => ({
      search: searchText(),
      type: idInQuery(),
      state: z.enum(FILTERS).optional().catch(undefined),
      page: pageNumber(),
    }),
    load: ({ query }, { db, now }) => readOverview(db, query, now),
    title: ({ counts }) => {
      const wrong = PROBLEMS.reduce((sum, problem) => sum + counts[problem], counts.failed_jobs)
      return wrong === 0 ? 'Overview' : `(${wrong}) Overview`
    },
    view: OverviewPage,
    refreshSeconds: 20,
  })

export const overview: Feature = { routes }
