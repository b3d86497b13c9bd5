import type { Router } from '../../http/router.ts'
import { pipelinesInQuery } from '../frame/chosen.ts'
import { pageNumber, wordInQuery } from '../frame/fields.ts'
import { servePage } from '../frame/page.tsx'
import { FILTERS } from '../frame/problems.ts'
import { OverviewPage } from './page.tsx'
import { readOverview } from './queries.ts'

export const routes = (router: Router): void =>
  servePage(router, {
    path: '/overview',
    section: 'Overview',
    query: () => ({
      ...pipelinesInQuery(),
      state: wordInQuery(FILTERS, (state) => (state === 'overdue' ? 'late' : state)), // links of earlier versions use the old word
      page: pageNumber(),
    }),
    load: async ({ query }, { db, now, settings }) => ({
      ...(await readOverview(db, query, now)),
      hasSlack: settings.SLACK_WEBHOOK_URL !== undefined,
    }),
    title: ({ counts, wrong }) => {
      const count = Object.values(wrong).reduce((sum, pipelines) => sum + pipelines, counts.failed_jobs)
      return count === 0 ? 'Overview' : `(${count}) Overview`
    },
    view: OverviewPage,
    styles: ['overview'],
    refreshSeconds: 20,
  })
