import type { MetricField } from '../../checks/anomalies/verdict.ts'

/** The names of METRIC_FIELDS on the page. */
export const METRIC_NAMES: Record<MetricField, string> = {
  duration_seconds: 'Duration',
  inserts: 'Inserts',
  updates: 'Updates',
  soft_deletes: 'Soft deletes',
  total_rows: 'Rows',
  throughput: 'Rows per second',
  rows_ratio: 'Rows per input row',
}
