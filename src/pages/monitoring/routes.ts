import type { House } from '../../features/feature.ts'
import { describeJobs } from '../../features/monitoring/queries.ts'
import type { Router } from '../../http/router.ts'
import { servePage } from '../frame/page.tsx'
import { MonitoringPage } from './page.tsx'

/** Browsers get this page; other clients of the same path get JSON (features/monitoring). */
export const routes = (router: Router, house: House): void =>
  servePage(router, {
    path: '/monitoring',
    section: 'Monitoring',
    isAlsoJson: true,
    load: (_input, { db, now }) => describeJobs(db, house, now),
    title: ({ kinds }) => {
      const failed = kinds.reduce((sum, kind) => sum + kind.failed, 0)
      return failed === 0 ? 'Monitoring' : `(${failed}) Monitoring`
    },
    view: MonitoringPage,
    refreshSeconds: 5,
  })
