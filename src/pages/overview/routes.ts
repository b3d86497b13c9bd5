import { z } from 'zod'
import type { Router } from '../../http/router.ts'
import { idInQuery, pageNumber, searchText } from '../frame/fields.ts'
import { servePage } from '../frame/page.tsx'
import { FILTERS } from '../frame/problems.ts'
import { OverviewPage } from './page.tsx'
import { readOverview } from './queries.ts'

export const routes = (router: Router): void =>
  servePage(router, {
    path: '/overview',
    section: 'Overview',
    query: () => ({
      search: searchText(),
      owner: searchText(),
      tag: searchText(),
      type: idInQuery(),
      state: z
        .string()
        .transform((state) => (state === 'overdue' ? 'late' : state)) // links of earlier versions use the old word
        .refine((state) => FILTERS.includes(state))
        .optional()
        .catch(undefined),
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
