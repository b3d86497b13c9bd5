import type { MetricField } from '../../checks/anomalies/verdict.ts'

/** The periods of the chart, in days. */
export const DAYS = ['7', '30', '90'] as const

/** The query of the page's address. */
export interface PipelineQuery {
  metric: MetricField
  days: (typeof DAYS)[number]
  /** The list shows runs with ids below this one. */
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
  /** The normal range at that time; null if the baseline had too few runs. */
  lower: number | null
  upper: number | null
}

/** What the chart shows. */
export interface History {
  /** The metric's name for people. */
  name: string
  /** In the order of the runs' starts. */
  points: Point[]
  days: number
  now: string
}
