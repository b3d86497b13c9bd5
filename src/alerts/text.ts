import { type Alert, MOST_ITEMS } from './alert.ts'

/** One bullet of the details: a value, or items of their own. */
type Detail = [label: string, value: string] | [label: string, bullet: '•' | '-', items: string[], count: number]

interface Message {
  level: 'WARNING' | 'CRITICAL'
  title?: string
  message: string
  details: Detail[]
}

const SIGNS = { WARNING: '⚠️', CRITICAL: '🚨' }

/** The alert as Slack shows it, in the words and the layout of the original. */
export const renderAlert = (alert: Alert): string => {
  const { level, title, message, details } = describe(alert)
  return [
    `${SIGNS[level]} ${level}`,
    ...(title ? [title] : []),
    `Timestamp: ${inSeconds(alert.at)} UTC`,
    `Message: ${message}`,
    '',
    'Details:',
    ...details.flatMap(renderDetail),
  ].join('\n')
}

const renderDetail = (detail: Detail): string[] => {
  if (detail.length === 2) return [`• ${detail[0]}: ${detail[1]}`]
  const [label, bullet, items, count] = detail
  const listed = items.slice(0, MOST_ITEMS)
  const rest = count - listed.length
  // The original leaves a space behind this one label.
  const head = bullet === '-' ? `• ${label}: ` : `• ${label}:`
  return [head, ...[...listed, ...(rest > 0 ? [`… and ${rest} more`] : [])].map((item) => `  ${bullet} ${item}`)]
}

const describe = (alert: Alert): Message => {
  switch (alert.alert) {
    case 'timeliness':
      return {
        level: 'WARNING',
        message: `Pipeline Execution Timeliness Check Failed - ${alert.count} execution(s) overdue`,
        details: [
          [
            'Failed Executions',
            '•',
            alert.items.map(
              (item) =>
                `Pipeline Execution ID: ${item.pipeline_execution_id} (Pipeline ID: ${item.pipeline_id}): ${item.duration_seconds} seconds (${item.execution_status}), Expected within ${inUnits(item.timely_number, item.timely_datepart)} (${item.used_child_config ? 'child' : 'parent'} config)`,
            ),
            alert.count,
          ],
        ],
      }
    case 'freshness':
      return {
        level: 'WARNING',
        message: `Pipeline Freshness Check Failed - ${alert.count} pipeline(s) overdue`,
        details: [
          [
            'Failed Pipelines',
            '•',
            alert.items.map(
              (item) =>
                `${inOneLine(item.pipeline_name)} (ID: ${item.pipeline_id}): Last DML ${inSeconds(item.last_dml_timestamp)}, Expected within ${inUnits(item.freshness_number, item.freshness_datepart)}`,
            ),
            alert.count,
          ],
        ],
      }
    case 'anomaly':
      return {
        level: 'WARNING',
        title: 'Anomaly Detection',
        message: `Anomaly detected in pipeline ${alert.pipeline_id} - ${alert.count} execution(s) flagged`,
        details: [
          ['Metric', alert.metric_field],
          ['Threshold Multiplier', withDecimals(alert.threshold_multiplier)],
          ['Lookback Days', String(alert.lookback_days)],
          [
            'Anomalies',
            '-',
            alert.items.map(
              (item) =>
                `Execution ID ${item.pipeline_execution_id}: ${inValue(item.violation_value)} (baseline: ${item.baseline_value.toFixed(2)}, deviation: ${item.deviation_percentage === null ? 'n/a' : `${item.deviation_percentage.toFixed(1)}%`}, confidence: ${item.confidence_score.toFixed(2)})`,
            ),
            alert.count,
          ],
        ],
      }
    case 'queue': {
      const kinds = Object.entries(alert.breakdown).map(([kind, waiting]) => `${inTitleCase(kind)}: ${waiting}`)
      return {
        level: alert.level === 'critical' ? 'CRITICAL' : 'WARNING',
        title: 'Queue Alert',
        message: `Queue has ${alert.total_pending} pending tasks`,
        details: [
          ['Total pending', String(alert.total_pending)],
          ['Task breakdown', '•', kinds, kinds.length],
        ],
      }
    }
  }
}

/** `2025-01-09 20:30:45` */
const inSeconds = (instant: string): string => instant.slice(0, 19).replace('T', ' ')

/** `12 hours`, `1 hour` */
const inUnits = (number: number, datepart: string): string => `${number} ${datepart}${number === 1 ? '' : 's'}`

/** `2.0`, `2.25` */
const withDecimals = (value: number): string => (Number.isInteger(value) ? value.toFixed(1) : String(value))

/** Whole numbers as they are, others with two decimals. */
const inValue = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(2))

/** A name is a client's text: it must not be able to write lines of its own. */
const inOneLine = (text: string): string => text.replace(/[\s\p{C}]+/gu, ' ')

/** `detect_anomalies` as `Detect Anomalies`. */
export const inTitleCase = (kind: string): string =>
  kind
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(' ')
