/** One day of the chart: the number of runs, failures and rows. */
export interface ReportDay {
  /** UTC, `2025-01-09`. */
  day: string
  executions: number
  failures: number
  total_rows: number
}
