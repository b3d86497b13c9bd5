import { z } from 'zod'
import type { Router } from '../../http/router.ts'
import { idInQuery, pageNumber, searchText } from '../frame/fields.ts'
import { servePage } from '../frame/page.tsx'
import { FILTERS } from '../frame/problems.ts'
import { PipelinesPage } from './page.tsx'
import { ORDERS, PAGE_ROWS, readPipelines, SORTS } from './queries.ts'

export const routes = (router: Router): void =>
  servePage(router, {
    path: '/pipelines',
    section: 'Pipelines',
    query: () => ({
      search: searchText(),
      owner: searchText(),
      tag: searchText(),
      type: idInQuery(),
      state: z
        .string()
        .refine((state) => FILTERS.includes(state))
        .optional()
        .catch(undefined),
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
