import { type Router, serveData } from '../../http/router.ts'
import { searchText } from '../frame/fields.ts'
import { search } from './queries.ts'

/** Answers the search field in the frame of every page; not a part of the API. */
export const routes = (router: Router): void =>
  serveData(router, { path: '/search', query: () => ({ search: searchText() }) }, async ({ query }, { db }) => ({
    status: 200,
    body: await search(db, query.search),
  }))
