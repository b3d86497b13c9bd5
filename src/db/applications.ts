/**
 * What the work of a connection is, as its `application_name`: `pg_stat_activity` shows it, and the endpoint of `npm start` gives
 * pages and jobs only a part of the connections. Requests of the API have none of these names.
 */
export const PAGES = 'watcher-pages'
export const JOBS = 'watcher-jobs'
const API = 'watcher'

export type Application = typeof PAGES | typeof JOBS | typeof API

/** The connection string with the name in it, in place of the driver's. */
export const named = (databaseUrl: string, application: Application = API): string => {
  const url = new URL(databaseUrl)
  url.searchParams.set('application_name', application)
  return url.href
}
