import { z } from 'zod'
import { ApiError } from '../../core/errors.ts'
import type { Router } from '../../http/router.ts'
import { findIncident } from '../../incidents/queries.ts'
import { servePage } from '../frame/page.tsx'
import { INCIDENT_KINDS } from '../frame/problems.ts'
import { IncidentPage } from './page.tsx'

export const routes = (router: Router): void =>
  servePage(router, {
    path: '/incidents/{id}',
    section: 'Incidents',
    params: () => ({ id: z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER) }),
    load: async ({ params: { id } }, { db }) => {
      const found = await findIncident(db, id, { incidentKinds: INCIDENT_KINDS })
      if (!found) throw new ApiError('incident_not_found', `Incident ${id} not found`)
      return found
    },
    title: ({ id, pipeline_name, kind }) => `Incident ${id}: ${pipeline_name ?? kind}`,
    view: IncidentPage,
    styles: ['incident'],
    refreshSeconds: 20,
  })
