import type { MetricField } from '../../checks/anomalies/verdict.ts'

/** The periods of the chart, in days. */
export const DAYS = ['7', '30', '90'] as const

/** The query of the page's address. */
export interface PipelineQuery {
  metric?: MetricField | undefined
  days: (typeof DAYS)[number]
  /** The list shows runs with ids below this one. */
  before?: number | undefined
  /** A run to show by itself. */
  execution?: number | undefined
  /** A run whose parts are all shown. */
  parts?: number | undefined
}

/** One point in the chart of a metric: a run, or all runs of a slot of time. */
export interface Point {
  /** The run that a click opens: a flagged one, else a failed one, else the newest. */
  id: number
  /** When the run started, or the slot. */
  start_date: string
  runs: number
  /** The run's value, or the median. */
  value: number | null
  least: number | null
  most: number | null
  failures: number
  flags: number
  /** The largest value that is flagged. */
  flaggedValue: number | null
  /** The normal range at that time; null if the baseline had too few runs. */
  lower: number | null
  upper: number | null
}

/** A pipeline without a rule gets a suggestion once it has so many good runs. */
export const SUGGESTED_FROM = 20

/** A run that a rule would have flagged. */
export interface Tried {
  pipeline_execution_id: number
  start_date: string
  value: number
  explanation: string
}

/** What the chart shows. */
export interface History {
  /** The metric's name for people. */
  name: string
  /** True if its values are seconds. */
  isTime: boolean
  /** In the order of the runs' starts. */
  points: Point[]
  days: number
  now: string
  /** A line across the chart, with its words: how long a run may take. */
  limit: { value: number; words: string } | null
  /** The run that has not ended: it is drawn where it is now. */
  running: { start_date: string; value: number } | null
}
