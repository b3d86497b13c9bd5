import { age, duration, secondsBetween } from '../core/figures.ts'
import type { IncidentKind } from '../incidents/kind.ts'
import { type AlertKind, MAX_ITEMS, type Message } from './alert.ts'
import { inOneLine, inSeconds, renderAlert, renderMessage } from './message.ts'
import { severityOf, type ToldIncident } from './told.ts'

/** The kinds of incidents and alerts that messages are made of. */
export interface Vocabulary {
  incidentKinds: readonly IncidentKind[]
  alertKinds: readonly AlertKind[]
  /** The kind of alert with which the original tells of this kind of incident, if it does. */
  alertOf: Readonly<Record<string, AlertKind>>
}

/** What a message is about. */
export interface Subject {
  incidents: readonly ToldIncident[]
  /** The payloads of the original's messages about what a sweep found. */
  alerts: readonly Record<string, unknown>[]
  now: string
  /** `seed`: without our own lines. */
  format: 'full' | 'seed'
}

/**
 * The text of a message for people. What is wrong begins with the original's text of that kind, or with ours in the same layout, and goes
 * on with a block of lines for each incident.
 */
export const composeText = ({ incidents, alerts, now, format }: Subject, vocabulary: Vocabulary): string => {
  if (incidents.every(({ event }) => event === 'resolved')) return composeResolved(incidents, now, vocabulary)
  const told =
    alerts.length > 0
      ? [
          ...alerts.map((payload) => renderAlert(vocabulary.alertKinds, payload)),
          ...byKind(withoutAlert(incidents, alerts, now, vocabulary), now, vocabulary),
        ]
      : byKind(incidents, now, vocabulary)
  if (format === 'seed') return told.join('\n\n')
  const blocks = incidents.slice(0, MAX_ITEMS).map((incident) => blockOf(incident, now, vocabulary))
  const more = incidents.length - blocks.length
  return [...told, ...blocks, ...(more > 0 ? [`… and ${more} more incidents`] : [])].join('\n\n')
}

const kindOf = (kind: string, { incidentKinds }: Vocabulary) => incidentKinds.find((known) => known.kind === kind)

/** `orders (ID: 12)`, or what else it is about. */
const nameOf = ({ pipeline_name, pipeline_id, kind, subject }: ToldIncident): string =>
  pipeline_name === null ? `${kind} ${subject}`.trim() : `${inOneLine(pipeline_name)} (ID: ${pipeline_id})`

/** One text for each kind of incident. */
const byKind = (incidents: readonly ToldIncident[], now: string, vocabulary: Vocabulary): string[] => {
  const kinds = [...new Set(incidents.map(({ kind }) => kind))]
  return kinds.map((kind) => {
    const ofKind = incidents.filter((incident) => incident.kind === kind)
    return renderMessage(
      asOriginal(ofKind, now, vocabulary.alertOf[kind]) ?? inItsLayout(ofKind, now, kindOf(kind, vocabulary)?.title ?? kind),
    )
  })
}

/** The incidents that the original's messages do not contain: it has none of their form, for example of a pipeline that never loaded. */
const withoutAlert = (
  incidents: readonly ToldIncident[],
  alerts: Subject['alerts'],
  now: string,
  vocabulary: Vocabulary,
): ToldIncident[] => {
  const items = alerts.flatMap((alert) => [alert, ...(Array.isArray(alert.items) ? (alert.items as Record<string, unknown>[]) : [])])
  const covered = alerts.reduce((sum, { count }) => sum + Number(count ?? 1), 0)
  const named = new Set(items.map(({ pipeline_id }) => pipeline_id))
  // All that they count is named: what is not named, they do not contain.
  if (alerts.every(({ count, items: shown }) => Array.isArray(shown) && Number(count) <= shown.length))
    return incidents.filter(({ pipeline_id }) => !named.has(pipeline_id))
  return covered >= incidents.length ? [] : incidents.filter((incident) => !asOriginal([incident], now, vocabulary.alertOf[incident.kind]))
}

/** The original's message, from the numbers of the incidents; undefined if it has none of this kind, or needs others. */
const asOriginal = (incidents: readonly ToldIncident[], now: string, kind: AlertKind | undefined): Message | undefined => {
  try {
    return kind?.describe({ at: now, count: incidents.length, items: incidents.slice(0, MAX_ITEMS).map(({ details }) => details) })
  } catch {
    return undefined
  }
}

const inItsLayout = (incidents: readonly ToldIncident[], now: string, title: string): Message => ({
  at: now,
  level: severityOf(incidents) === 'critical' ? 'CRITICAL' : 'WARNING',
  message: `${title} - ${incidents.length} pipeline(s)`,
  details: [
    [
      'Pipelines',
      '•',
      incidents.slice(0, MAX_ITEMS).map((incident) => `${nameOf(incident)}: ${inOneLine(incident.summary)}`),
      incidents.length,
    ],
  ],
})

const composeResolved = (incidents: readonly ToldIncident[], now: string, vocabulary: Vocabulary): string =>
  renderMessage({
    at: now,
    level: 'RESOLVED',
    message: `${incidents.length} incident(s) resolved`,
    details: [
      [
        'Resolved',
        '•',
        incidents.slice(0, MAX_ITEMS).map((incident) => {
          const { kind, opened_at, resolved_at, text, by, url } = incident
          const title = kindOf(kind, vocabulary)?.title ?? kind
          const lasted = duration(Math.max(0, secondsBetween(opened_at, resolved_at ?? now)))
          const how =
            by === null ? (text === null ? '' : `. ${inOneLine(text)}`) : `, by ${by}${text === null ? '' : `: ${inOneLine(text)}`}`
          const caused = incident.caused.length === 0 ? '' : `. It caused ${namesOf(incident)}`
          return `${nameOf(incident)}: ${title}, after ${lasted}${how}${caused}${url ? `. ${url}` : ''}`
        }),
        incidents.length,
      ],
    ],
  })

/** `report (stale), dashboard (late)`: what it causes; of one that is over, which of them are open still. */
const namesOf = ({ caused, effects, event }: ToldIncident): string => {
  const names = caused.map(
    ({ pipeline_name, kind, is_open }) => `${inOneLine(pipeline_name)} (${kind}${event === 'resolved' && is_open ? ', still open' : ''})`,
  )
  const more = effects - caused.filter(({ is_open }) => is_open).length
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

/** A reminder comes to what nobody has, or has had for a day. */
const stillOpen = ({ acknowledged_at, acknowledged_by }: ToldIncident): string =>
  acknowledged_at === null
    ? 'Still open, and nobody has it'
    : `Still open; ${inOneLine(acknowledged_by ?? 'somebody')} has had it since ${inSeconds(acknowledged_at)} UTC`

/** What a person on call needs to know of one incident, line by line. */
const blockOf = (incident: ToldIncident, now: string, vocabulary: Vocabulary): string => {
  const {
    pipeline_name,
    kind,
    subject,
    severity,
    summary,
    event,
    owner,
    occurrences,
    opened_at,
    last_success_at,
    downstream,
    cause,
    effects,
    reopenings,
  } = incident
  const overSeconds = secondsBetween(opened_at, now)
  return [
    `${inOneLine(pipeline_name ?? `${kind} ${subject}`.trim())}${severity === 'critical' ? ' (critical)' : ''}`,
    inOneLine(summary),
    ...(event === 'reopened' ? [openAgain(reopenings)] : []),
    ...(event === 'reminded' ? [stillOpen(incident)] : []),
    ...(cause === null ? [] : [`Caused by: ${inOneLine(cause.pipeline_name)} (${cause.kind})`]),
    ...(effects > 0
      ? [`Causes: ${effects} more incident${effects === 1 ? '' : 's'} downstream${event === 'reminded' ? `: ${namesOf(incident)}` : ''}`]
      : []),
    ...(owner === null ? [] : [`Owner: ${inOneLine(owner)}`]),
    ...(kindOf(kind, vocabulary)?.isDeadline && overSeconds > 0
      ? [`Over by: ${duration(overSeconds)}`]
      : [`Since: ${inSeconds(opened_at)} UTC (${age(Math.max(0, overSeconds))})`]),
    ...(kind === 'failed' && occurrences > 1 ? [`Failures in a row: ${occurrences}`] : []),
    ...(pipeline_name === null ? [] : [`Last good run: ${last_success_at === null ? 'none' : goodRun(last_success_at, now)}`]),
    ...(downstream ? [`Downstream: ${downstream} pipeline${downstream === 1 ? '' : 's'}`] : []),
    ...(incident.url ? [`Incident: ${incident.url}`] : []),
    ...(incident.runbook_url === null ? [] : [`Runbook: ${incident.runbook_url}`]),
  ].join('\n')
}

/** The second reopening is the last that is told at once: see put-off.sql. */
const openAgain = (reopenings: number): string =>
  reopenings < 2
    ? 'Open again: it had come right less than 15 minutes before'
    : `Open again, ${reopenings} times so far: it had come right less than 15 minutes before. Further changes are told after 15 minutes of quiet`

const goodRun = (at: string, now: string): string => `${inSeconds(at)} UTC (${age(Math.max(0, secondsBetween(at, now)))})`
