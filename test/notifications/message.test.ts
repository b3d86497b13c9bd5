import { describe, expect, it } from 'vitest'
import { vocabulary } from '../../src/house.ts'
import { renderAlert } from '../../src/notifications/message.ts'

/** The text of the alert with this payload of a `send_alert` job. */
const textOf = (payload: Record<string, unknown>) => renderAlert(vocabulary.alertKinds, payload)

const at = '2025-01-09T20:30:45.123456Z'

const overdue = (pipeline_execution_id: number) => ({
  pipeline_execution_id,
  pipeline_id: 1,
  duration_seconds: 3621,
  execution_status: 'running' as const,
  timely_number: 30,
  timely_datepart: 'minute' as const,
  used_child_config: true,
})

/** The three examples of the original's README, character for character. */
const EXAMPLES: [string, Record<string, unknown>, string][] = [
  [
    'freshness',
    {
      alert: 'freshness',
      at,
      count: 2,
      items: [
        {
          pipeline_id: 1,
          pipeline_name: 'stock-price-worker',
          last_dml_timestamp: '2025-01-09T15:30:00.000000Z',
          freshness_number: 12,
          freshness_datepart: 'hour',
        },
        {
          pipeline_id: 2,
          pipeline_name: 'user-analytics-pipeline',
          last_dml_timestamp: '2025-01-09T10:15:00.000000Z',
          freshness_number: 6,
          freshness_datepart: 'hour',
        },
      ],
    },
    `⚠️ WARNING
Timestamp: 2025-01-09 20:30:45 UTC
Message: Pipeline Freshness Check Failed - 2 pipeline(s) overdue

Details:
• Failed Pipelines:
  • stock-price-worker (ID: 1): Last DML 2025-01-09 15:30:00, Expected within 12 hours
  • user-analytics-pipeline (ID: 2): Last DML 2025-01-09 10:15:00, Expected within 6 hours`,
  ],
  [
    'timeliness',
    {
      alert: 'timeliness',
      at,
      count: 2,
      items: [
        overdue(456),
        {
          pipeline_execution_id: 457,
          pipeline_id: 2,
          duration_seconds: 2415,
          execution_status: 'completed',
          timely_number: 15,
          timely_datepart: 'minute',
          used_child_config: false,
        },
      ],
    },
    `⚠️ WARNING
Timestamp: 2025-01-09 20:30:45 UTC
Message: Pipeline Execution Timeliness Check Failed - 2 execution(s) overdue

Details:
• Failed Executions:
  • Pipeline Execution ID: 456 (Pipeline ID: 1): 3621 seconds (running), Expected within 30 minutes (child config)
  • Pipeline Execution ID: 457 (Pipeline ID: 2): 2415 seconds (completed), Expected within 15 minutes (parent config)`,
  ],
  [
    'anomaly',
    {
      alert: 'anomaly',
      at,
      count: 2,
      pipeline_id: 123,
      metric_field: 'duration_seconds',
      threshold_multiplier: 2,
      lookback_days: 30,
      items: [
        {
          pipeline_execution_id: 21,
          violation_value: 1814400,
          baseline_value: 164945.45,
          deviation_percentage: 1000,
          confidence_score: 0.99999,
        },
        {
          pipeline_execution_id: 22,
          violation_value: 1952000,
          baseline_value: 164945.45,
          deviation_percentage: 1083.3,
          confidence_score: 0.99,
        },
      ],
    },
    [
      '⚠️ WARNING',
      'Anomaly Detection',
      'Timestamp: 2025-01-09 20:30:45 UTC',
      'Message: Anomaly detected in pipeline 123 - 2 execution(s) flagged',
      '',
      'Details:',
      '• Metric: duration_seconds',
      '• Threshold Multiplier: 2.0',
      '• Lookback Days: 30',
      '• Anomalies: ', // the original ends this line with a space
      '  - Execution ID 21: 1814400 (baseline: 164945.45, deviation: 1000.0%, confidence: 1.00)',
      '  - Execution ID 22: 1952000 (baseline: 164945.45, deviation: 1083.3%, confidence: 0.99)',
    ].join('\n'),
  ],
]

describe("the alert's text", () => {
  it.each(EXAMPLES)("is the original's example: %s", (_name, alert, text) => {
    expect(textOf(alert)).toBe(text)
  })

  it('lists twenty items and counts the rest', () => {
    const items = Array.from({ length: 25 }, (_, index) => overdue(index))
    const lines = textOf({ alert: 'timeliness', at, count: 103, items }).split('\n')
    expect(lines.filter((line) => line.includes('Pipeline Execution ID'))).toHaveLength(20)
    expect(lines.at(-1)).toBe('  • … and 83 more')
    expect(textOf({ alert: 'timeliness', at, count: 20, items: items.slice(0, 20) })).not.toContain('more')
  })

  it('writes one hour, a deviation without a percentage, and fractions', () => {
    expect(textOf({ alert: 'timeliness', at, count: 1, items: [{ ...overdue(1), timely_number: 1, timely_datepart: 'hour' }] })).toContain(
      'Expected within 1 hour (child config)',
    )
    const text = textOf({
      alert: 'anomaly',
      at,
      count: 1,
      pipeline_id: 1,
      metric_field: 'throughput',
      threshold_multiplier: 2.25,
      lookback_days: 7,
      items: [{ pipeline_execution_id: 3, violation_value: 1.8, baseline_value: 0, deviation_percentage: null, confidence_score: 0.95449 }],
    })
    expect(text).toContain('• Threshold Multiplier: 2.25')
    expect(text).toContain('  - Execution ID 3: 1.80 (baseline: 0.00, deviation: n/a, confidence: 0.95)')
  })

  it('does not let a name add lines', () => {
    const text = textOf({
      alert: 'freshness',
      at,
      count: 1,
      items: [
        {
          pipeline_id: 1,
          pipeline_name: 'a\n\n\t🚨 CRITICAL\u2028b\u202e',
          last_dml_timestamp: at,
          freshness_number: 1,
          freshness_datepart: 'day',
        },
      ],
    })
    expect(text.split('\n')).toHaveLength(7)
    expect(text).toContain('  • a 🚨 CRITICAL b  (ID: 1)')
  })

  it('says how many jobs wait in the queue', () => {
    expect(
      textOf({ alert: 'queue', at, level: 'critical', total_pending: 103, breakdown: { detect_anomalies: 100, send_alert: 3 } }),
    ).toBe(`🚨 CRITICAL
Queue Alert
Timestamp: 2025-01-09 20:30:45 UTC
Message: Queue has 103 pending tasks

Details:
• Total pending: 103
• Task breakdown:
  • Detect Anomalies: 100
  • Send Alert: 3`)
  })

  it('warns before it is critical', () => {
    expect(textOf({ alert: 'queue', at, level: 'warning', total_pending: 50, breakdown: { send_alert: 50 } })).toMatch(
      /^⚠️ WARNING\nQueue Alert\n/,
    )
  })

  it("reads PostgreSQL's timestamps in JSON", () => {
    expect(textOf({ alert: 'queue', at: '2025-01-09T20:30:45.1+00:00', level: 'warning', total_pending: 50, breakdown: {} })).toContain(
      'Timestamp: 2025-01-09 20:30:45 UTC',
    )
  })
})
