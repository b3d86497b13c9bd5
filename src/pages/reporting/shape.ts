/** One day of the chart: runs, failures, and the rows they moved. */
export interface ReportDay {
  /** UTC, `2025-01-09`. */
  day: string
  executions: number
  failures: number
  total_rows: number
}
