import type { MetricField } from '../anomalies/verdict.ts'

/** How many days the chart can look back. */
export const DAYS = ['7', '30', '90'] as const

/** What the page's address says. */
export interface PipelineQuery {
  metric: MetricField
  days: (typeof DAYS)[number]
  /** The id of the run after which the list of runs begins. */
  before?: number | undefined
  /** A run to show by itself. */
  execution?: number | undefined
}
