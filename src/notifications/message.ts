import { type AlertKind, type Detail, MAX_ITEMS, type Message } from './alert.ts'

const SIGNS = { WARNING: '⚠️', CRITICAL: '🚨', RESOLVED: '✅' }

/** Renders the text of an alert from its payload. Throws if the kind is unknown, or if the payload does not fit. */
export const renderAlert = (kinds: readonly AlertKind[], payload: Record<string, unknown>): string => {
  const kind = kinds.find((known) => known.kind === payload.alert)
  if (!kind) throw new Error(`no kind of alert is called ${JSON.stringify(payload.alert)}`)
  return renderMessage(kind.describe(payload))
}

/** The message as Slack shows it, in the layout of the original. */
export const renderMessage = ({ at, level, title, message, details }: Message): string =>
  [
    `${SIGNS[level]} ${level}`,
    ...(title ? [title] : []),
    `Timestamp: ${inSeconds(at)} UTC`,
    `Message: ${message}`,
    '',
    'Details:',
    ...details.flatMap(renderDetail),
  ].join('\n')

const renderDetail = (detail: Detail): string[] => {
  if (detail.length === 2) return [`• ${detail[0]}: ${detail[1]}`]
  const [label, bullet, items, count] = detail
  const listed = items.slice(0, MAX_ITEMS)
  const unlisted = count - listed.length
  // The original writes a trailing space after this label only.
  const head = bullet === '-' ? `• ${label}: ` : `• ${label}:`
  return [head, ...[...listed, ...(unlisted > 0 ? [`… and ${unlisted} more`] : [])].map((item) => `  ${bullet} ${item}`)]
}

/** `2025-01-09 20:30:45` */
export const inSeconds = (instant: string): string => instant.slice(0, 19).replace('T', ' ')

/** `12 hours`, `1 hour` */
export const inUnits = (number: number, datepart: string): string => `${number} ${datepart}${number === 1 ? '' : 's'}`

/** A name is text from a client: it must not add lines to the message. */
export const inOneLine = (text: string): string => text.replace(/[\s\p{C}]+/gu, ' ')

/** `detect_anomalies` as `Detect Anomalies`. */
export const inTitleCase = (kind: string): string =>
  kind
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(' ')
