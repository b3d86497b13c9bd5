import { z } from 'zod'
import { MAX_ITEMS } from '../alert.ts'
import { causeOf, severityOf, type ToldIncident } from '../told.ts'
import type { Channel } from './channel.ts'

const settings = z.object({
  routing_key: z.string().regex(/^[\w-]{20,64}$/, 'Must be the integration key of an Events API v2 integration'),
  url: z.string().default('https://events.pagerduty.com/v2/enqueue'),
})

/** PagerDuty refuses longer ones. */
const MAX_SUMMARY_CHARACTERS = 1024

const ACTIONS = {
  opened: 'trigger',
  reopened: 'trigger',
  raised: 'trigger',
  reminded: 'trigger',
  test: 'trigger',
  acknowledged: 'acknowledge',
  resolved: 'resolve',
}

/** PagerDuty's Events API v2. All events of an incident have one key, so it is one incident there too; more than 20 of one sweep share one. */
export const pagerduty: Channel<z.output<typeof settings>> = {
  kind: 'pagerduty',
  name: 'PagerDuty',
  description:
    '`routing_key`: the integration key of an Events API v2 integration. `url` for accounts elsewhere: `https://events.eu.pagerduty.com/v2/enqueue`.',
  settings,
  secrets: ['routing_key'],
  urls: ['url'],
  isPager: true,
  isSingle: true,
  isSweeper: true,
  send: async ({ event, incidents, sweep, host, text, now, url: page }, { routing_key, url }, { post }) => {
    const about = incidents.length > 1 ? aboutMany(incidents, now) : aboutOne(incidents[0], text)
    const key = sweep !== undefined ? `sweep-${sweep}` : incidents[0] ? `incident-${incidents[0].id}` : 'test'
    return post(url, {
      routing_key,
      event_action: ACTIONS[event],
      dedup_key: `watcher-${host}-${key}`,
      client: 'Watcher',
      ...(page && { client_url: page }),
      payload: { ...about, summary: about.summary.slice(0, MAX_SUMMARY_CHARACTERS), source: host, severity: severityOf(incidents) },
      links: [
        ...(page ? [{ href: page, text: incidents.length === 1 ? 'Incident' : 'Incidents' }] : []),
        ...(incidents.length === 1 && incidents[0]?.runbook_url ? [{ href: incidents[0].runbook_url, text: 'Runbook' }] : []),
      ],
    })
  },
}

const headlineOf = ({ pipeline_name, summary }: ToldIncident): string => (pipeline_name === null ? summary : `${pipeline_name}: ${summary}`)

const aboutOne = (incident: ToldIncident | undefined, text: string) => ({
  summary: incident ? headlineOf(incident) : text,
  timestamp: incident?.opened_at,
  component: incident?.pipeline_name ?? undefined,
  group: incident?.owner ?? undefined,
  class: incident?.kind ?? 'test',
  custom_details: incident && {
    pipeline_id: incident.pipeline_id,
    occurrences: incident.occurrences,
    last_success_at: incident.last_success_at,
    downstream_pipelines: incident.downstream,
    ...(incident.cause !== null && { caused_by: causeOf(incident) }),
    ...incident.details,
  },
})

const withCause = (incident: ToldIncident): string =>
  incident.cause === null ? headlineOf(incident) : `${headlineOf(incident)} (caused by ${causeOf(incident)})`

/** Many incidents of one sweep: the first of them, and the number of the others. */
const aboutMany = (incidents: readonly ToldIncident[], now: string) => ({
  summary: `${incidents.length} incidents at once: ${incidents.slice(0, 3).map(headlineOf).join('; ')} …`,
  timestamp: now,
  class: [...new Set(incidents.map(({ kind }) => kind))].join(', '),
  custom_details: { incidents: incidents.slice(0, MAX_ITEMS).map(withCause), more: Math.max(0, incidents.length - MAX_ITEMS) },
})
