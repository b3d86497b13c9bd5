import type { MetricField } from '../../checks/anomalies/verdict.ts'

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

/** One run in the chart of a metric. */
export interface Point {
  id: number
  start_date: string
  value: number | null
  succeeded: boolean
  isFlagged: boolean
  /** What was normal then; null where there were too few runs to say. */
  lower: number | null
  upper: number | null
}

/** What the chart shows. */
export interface History {
  /** The metric's name for people. */
  name: string
  /** In the order of their starts. */
  points: Point[]
  days: number
  now: string
}
