import { z } from 'zod'
import type { Router } from '../../http/router.ts'
import { pipelinesInQuery } from '../frame/chosen.ts'
import { pageNumber, wordInQuery } from '../frame/fields.ts'
import { servePage } from '../frame/page.tsx'
import { FILTERS } from '../frame/problems.ts'
import { PipelinesPage } from './page.tsx'
import { ORDERS, PAGE_ROWS, readPipelines, SORTS } from './queries.ts'

export const routes = (router: Router): void =>
  servePage(router, {
    path: '/pipelines',
    section: 'Pipelines',
    query: () => ({
      ...pipelinesInQuery(),
      state: wordInQuery(FILTERS),
      sort: z.enum(SORTS).catch('state'),
      order: z.enum(ORDERS).catch('asc'),
      page: pageNumber(),
    }),
    load: ({ query }, { db, now }) => readPipelines(db, { ...query, skipped: (query.page - 1) * PAGE_ROWS }, now),
    title: () => 'Pipelines',
    view: PipelinesPage,
    styles: ['pipelines'],
    refreshSeconds: 60,
  })
