import { ApiError } from '../../core/errors.ts'
import type { Router } from '../../http/router.ts'
import { findIncident } from '../../incidents/queries.ts'
import { typedId } from '../frame/fields.ts'
import { servePage } from '../frame/page.tsx'
import { INCIDENT_KINDS } from '../frame/problems.ts'
import { IncidentPage } from './page.tsx'

export const routes = (router: Router): void =>
  servePage(router, {
    path: '/incidents/{id}',
    section: 'Incidents',
    params: () => ({ id: typedId }),
    load: async ({ params: { id } }, { db, now }) => {
      const found = await findIncident(db, id, now, { incidentKinds: INCIDENT_KINDS })
      if (!found) throw new ApiError('incident_not_found', `Incident ${id} not found`)
      return found
    },
    title: ({ id, pipeline_name, kind }) => `Incident ${id}: ${pipeline_name ?? kind}`,
    view: IncidentPage,
    styles: ['incident', 'lineage-graph'],
    refreshSeconds: 20,
  })
