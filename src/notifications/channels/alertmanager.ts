import { z } from 'zod'
import { addSeconds } from '../../core/instant.ts'
import { causeOf, type ToldIncident } from '../told.ts'
import type { Channel } from './channel.ts'

const settings = z.object({
  url: z.string(),
  bearer: z
    .string()
    .regex(/^[\x21-\x7e]{16,1000}$/, 'Must be a token of 16 to 1,000 characters')
    .optional(),
})

/** Alertmanager takes an alert as over when it was not renewed for so long: three ticks. */
const VALID_SECONDS = 45 * 60
/** The most alerts of one request. */
export const MAX_ALERTS = 1_000

/** The alert of an incident. Its labels are its identity: where an owner or a name changes, the alert before that runs out. */
const alertOf = (incident: ToldIncident, now: string, severity = incident.severity) => ({
  labels: {
    alertname: `watcher_${incident.kind}`,
    kind: incident.kind,
    severity,
    incident: String(incident.id),
    ...(incident.pipeline_name !== null && { pipeline: incident.pipeline_name }),
    ...(incident.owner !== null && { owner: incident.owner }),
  },
  annotations: {
    summary: incident.summary,
    ...(incident.runbook_url !== null && { runbook_url: incident.runbook_url }),
    ...(incident.cause !== null && { caused_by: causeOf(incident) }),
    downstream_pipelines: String(incident.downstream),
  },
  // A client's clock may be ahead of ours, and an alert must not end before it starts.
  startsAt: incident.opened_at < now ? incident.opened_at : now,
  endsAt: incident.resolved_at === null && severity === incident.severity ? addSeconds(now, VALID_SECONDS) : now,
  ...(incident.url && { generatorURL: incident.url }),
})

/**
 * What has become critical is another alert there, and the one before it has to end. The message that said so may never have been sent:
 * what was resolved meanwhile drops it. So each later event ends the alert before, whether there was one or not. Renewals do not: each
 * would be an alert that has just ended, and a receiver may tell of it.
 */
const mayHaveWarned = ({ severity, event }: ToldIncident): boolean => severity === 'critical' && !['opened', 'reminded'].includes(event)

/** Prometheus Alertmanager, API v2. A tick renews what is still open. */
export const alertmanager: Channel<z.output<typeof settings>> = {
  kind: 'alertmanager',
  name: 'Alertmanager',
  description: '`url`: where Alertmanager is, without `/api/v2/alerts`; `bearer`, at least 16 characters, if it wants a token.',
  settings,
  secrets: ['bearer'],
  urls: ['url'],
  isPager: true,
  isRenewed: true,
  send: async ({ incidents, now, text }, { url, bearer }, { post }) => {
    const alerts =
      incidents.length > 0
        ? incidents.flatMap((incident) => [alertOf(incident, now), ...(mayHaveWarned(incident) ? [alertOf(incident, now, 'warning')] : [])])
        : [
            {
              labels: { alertname: 'watcher_test', severity: 'warning' },
              annotations: { summary: text },
              startsAt: now,
              endsAt: addSeconds(now, 60),
            },
          ]
    let answer = ''
    for (let from = 0; from < alerts.length; from += MAX_ALERTS) {
      answer = await post(
        `${url.replace(/\/+$/, '')}/api/v2/alerts`,
        alerts.slice(from, from + MAX_ALERTS),
        bearer ? { Authorization: `Bearer ${bearer}` } : {},
      )
    }
    return answer
  },
}
