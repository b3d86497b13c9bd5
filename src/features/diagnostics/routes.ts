import type { Router } from '../../http/router.ts'
import { servePage } from '../../pages/page.tsx'
import type { Feature } from '../feature.ts'
import { DiagnosticsPage } from './page.tsx'
import { diagnose, probe } from './queries.ts'

const routes = (router: Router): void => {
  servePage(router, {
    path: '/diagnostics',
    section: 'Diagnostics',
    load: async (_input, { db, now, namesGiven, settings }) => ({ ...(await diagnose(db, now)), namesGiven, state: settings.ENV_STATE }),
    title: () => 'Diagnostics',
    view: DiagnosticsPage,
    scripts: ['diagnostics'],
  })

  // The page asks this some times, one after the other, for the distribution.
  router.get('/diagnostics/probe', async (context) => {
    const millis = await probe(context.get('scope').db)
    return new Response(JSON.stringify({ database_ms: millis }), { headers: { 'Content-Type': 'application/json' } })
  })
}

export const diagnostics: Feature = { routes }
