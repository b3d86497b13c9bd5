import type { MetricField } from '../../checks/anomalies/verdict.ts'

/** What METRIC_FIELDS are called on the page. */
export const METRIC_NAMES: Record<MetricField, string> = {
  duration_seconds: 'Duration (s)',
  inserts: 'Inserts',
  updates: 'Updates',
  soft_deletes: 'Soft deletes',
  total_rows: 'Rows',
  throughput: 'Rows a second',
}
