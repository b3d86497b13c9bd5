import { z } from 'zod'
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

/** PagerDuty's Events API v2. All events of an incident have one key, so it is one incident there too. */
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
  send: async ({ event, incidents, host, text, url: page }, { routing_key, url }, { post }) => {
    const [incident] = incidents
    const about = incident?.pipeline_name ? `${incident.pipeline_name}: ${incident.summary}` : (incident?.summary ?? text)
    return post(url, {
      routing_key,
      event_action: ACTIONS[event],
      dedup_key: `watcher-${host}-${incident ? `incident-${incident.id}` : 'test'}`,
      client: 'Watcher',
      ...(page && { client_url: page }),
      payload: {
        summary: about.slice(0, MAX_SUMMARY_CHARACTERS),
        source: host,
        severity: incident?.severity ?? 'warning',
        timestamp: incident?.opened_at,
        component: incident?.pipeline_name ?? undefined,
        group: incident?.owner ?? undefined,
        class: incident?.kind ?? 'test',
        custom_details: incident && {
          pipeline_id: incident.pipeline_id,
          occurrences: incident.occurrences,
          last_success_at: incident.last_success_at,
          downstream_pipelines: incident.downstream,
          ...incident.details,
        },
      },
      links: [
        ...(incident?.url ? [{ href: incident.url, text: 'Incident' }] : []),
        ...(incident?.runbook_url ? [{ href: incident.runbook_url, text: 'Runbook' }] : []),
      ],
    })
  },
}
