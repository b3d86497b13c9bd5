import type { Router } from '../../http/router.ts'
import { pageNumber, searchText } from '../frame/fields.ts'
import { servePage } from '../frame/page.tsx'
import { SchedulePage } from './page.tsx'
import { readSchedules } from './queries.ts'

export const routes = (router: Router): void =>
  servePage(router, {
    path: '/schedule',
    section: 'Schedule',
    query: () => ({ search: searchText(), owner: searchText(), page: pageNumber() }),
    load: ({ query }, { db, now }) => readSchedules(db, query, now),
    title: () => 'Schedule',
    view: SchedulePage,
    styles: ['schedule'],
    refreshSeconds: 60,
  })
