import { z } from 'zod'
import { SEVERITIES } from '../../db/constraints.ts'
import type { Router } from '../../http/router.ts'
import { listIncidents } from '../../incidents/queries.ts'
import { idInQuery, searchText, wordInQuery } from '../frame/fields.ts'
import { servePage } from '../frame/page.tsx'
import { INCIDENT_KINDS } from '../frame/problems.ts'
import { IncidentsPage, SHOWN, STATES_SHOWN } from './page.tsx'

const PAGE_ROWS = 100

export const routes = (router: Router): void =>
  servePage(router, {
    path: '/incidents',
    section: 'Incidents',
    query: () => ({
      show: z.enum(SHOWN).catch('open'),
      kind: wordInQuery(INCIDENT_KINDS.map(({ kind }) => kind)),
      severity: z.enum(SEVERITIES).optional().catch(undefined),
      owner: searchText(),
      tag: searchText(),
      pipeline: idInQuery(),
      before: idInQuery(),
    }),
    load: ({ query: { show, kind, severity, owner, tag, pipeline, before } }, { db }) =>
      listIncidents(
        db,
        {
          limit: PAGE_ROWS,
          before_id: before ?? Number.MAX_SAFE_INTEGER,
          state: STATES_SHOWN[show],
          kind,
          severity,
          owner: owner || undefined,
          tag: tag || undefined,
          pipeline_id: pipeline,
        },
        { incidentKinds: INCIDENT_KINDS },
      ),
    title: ({ incidents }) => `Incidents (${incidents.length})`,
    view: IncidentsPage,
    styles: ['incidents'],
    refreshSeconds: 20,
  })
