import { SEVERITIES } from '../db/constraints.ts'
import { AFFECTED_TYPES } from './impact.ts'
import type { IncidentKinds } from './kind.ts'
import { routes } from './routes.ts'
import { INCIDENT_EVENTS, INCIDENT_STATES } from './table.ts'

/** What is wrong, from its beginning to its end. Checks and features open and resolve incidents in their own transactions. */
export const incidents = {
  tags: [{ name: 'Incidents', description: 'What is wrong, or was: from the first sighting to its end.' }],
  enums: ({ incidentKinds }: IncidentKinds) => ({
    IncidentKind: incidentKinds.map(({ kind }) => kind),
    IncidentState: INCIDENT_STATES,
    IncidentEventKind: INCIDENT_EVENTS,
    Severity: SEVERITIES,
    AffectedType: AFFECTED_TYPES,
  }),
  routes,
}
