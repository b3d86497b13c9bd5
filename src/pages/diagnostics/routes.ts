import { type Router, serveData } from '../../http/router.ts'
import { servePage } from '../frame/page.tsx'
import { DiagnosticsPage } from './page.tsx'
import { diagnose, probe } from './queries.ts'

export const routes = (router: Router): void => {
  servePage(router, {
    path: '/diagnostics',
    section: 'Diagnostics',
    load: async (_input, { db, now, namesGiven, settings }) => ({
      ...(await diagnose(db, now)),
      namesGiven,
      state: settings.ENV_STATE,
      hasSlack: settings.SLACK_WEBHOOK_URL !== undefined,
    }),
    title: () => 'Diagnostics',
    view: DiagnosticsPage,
    scripts: ['diagnostics'],
    styles: ['diagnostics'],
  })

  // The page's script calls this several times, one after the other, to measure the latency.
  serveData(router, { path: '/diagnostics/probe' }, async (_input, { db }) => ({ status: 200, body: { database_ms: await probe(db) } }))
}
