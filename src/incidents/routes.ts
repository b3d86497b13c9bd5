import { z } from '@hono/zod-openapi'
import { ApiError } from '../core/errors.ts'
import { nextLink } from '../http/paging.ts'
import { type Router, serveOperation } from '../http/router.ts'
import { idText } from '../http/text-fields.ts'
import type { IncidentKinds } from './kind.ts'
import { actOnIncident, findIncident, type IncidentAction, listIncidents } from './queries.ts'
import { commentPost, incidentSchemas, notePost } from './schemas.ts'

const tag = 'Incidents'

const notFound = (id: number) => new ApiError('incident_not_found', `Incident ${id} not found`)

export const routes = (router: Router, kinds: IncidentKinds): void => {
  const { incidentFilters, incidentAnswer, incidentWithEvents } = incidentSchemas(kinds)

  serveOperation(
    router,
    {
      method: 'get',
      path: '/incident',
      access: 'read',
      operationId: 'list_incidents',
      tag,
      summary: 'List incidents',
      description: 'What is wrong, or was. Newest first. `state=open,acknowledged` lists what is wrong now.',
      query: incidentFilters,
      answers: { 200: { description: 'The incidents, newest first.', schema: () => z.array(incidentAnswer()), paged: true } },
    },
    async ({ query, url }, { db }) => {
      const { incidents, next } = await listIncidents(db, query, kinds)
      return { status: 200, body: incidents, headers: next === null ? {} : nextLink(url, { before_id: next }) }
    },
  )

  serveOperation(
    router,
    {
      method: 'get',
      path: '/incident/{id}',
      access: 'read',
      operationId: 'get_incident',
      tag,
      summary: 'Get one incident with its events, what lies downstream, and who was told',
      params: () => ({ id: idText('The incident.') }),
      answers: { 200: { description: 'The incident.', schema: incidentWithEvents } },
      errors: ['incident_not_found'],
    },
    async ({ params: { id } }, { db, now }) => {
      const found = await findIncident(db, id, now, kinds)
      if (!found) throw notFound(id)
      return { status: 200, body: found }
    },
  )

  const serveAction = (action: IncidentAction, body: typeof notePost | typeof commentPost, summary: string, description: string): void =>
    serveOperation(
      router,
      {
        method: 'post',
        path: `/incident/{id}/${action}`,
        access: 'write',
        operationId: `${action}_incident`,
        tag,
        summary,
        description,
        params: () => ({ id: idText('The incident.') }),
        body: body as typeof notePost,
        answers: { 204: { description: 'Done, or done before.' } },
        errors: ['incident_not_found', ...(action === 'acknowledge' ? (['incident_resolved'] as const) : [])],
      },
      async ({ params: { id }, body }, { db, now, caller, sendAfterwards }) => {
        const { outcome, job_id } = await actOnIncident(db, { id, action, by: caller, note: body?.note }, now)
        if (outcome === 'unknown') throw notFound(id)
        if (outcome === 'resolved') throw new ApiError('incident_resolved', `Incident ${id} is resolved: there is nothing to acknowledge`)
        if (job_id !== null) sendAfterwards([job_id])
        return { status: 204 }
      },
    )

  serveAction(
    'acknowledge',
    notePost,
    'Acknowledge an incident',
    'Says "I have it": the name of the token is recorded. Acknowledging it again changes nothing.',
  )
  serveAction(
    'resolve',
    notePost,
    'Resolve an incident',
    'It stays resolved for the run or change that it is about; what is wrong after that opens another one. Resolving it again changes nothing.',
  )
  serveAction('comment', commentPost, 'Comment on an incident', 'Adds a note to its events. Also after it is resolved.')
}
