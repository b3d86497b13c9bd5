import type { MetricField } from '../verdict.ts'

/** What is normal, by a pool of earlier values. */
export interface Band {
  /** The value in the middle: a mean or a median. */
  center: number
  /** How far values usually lie from it: a (robust) standard deviation. */
  deviation: number
  lower: number
  upper: number
}

/** What a method needs of a rule. */
export interface MethodSettings {
  metric_field: MetricField
  /** How many deviations from the centre are normal; 1 to 10. */
  std_deviation_threshold_multiplier: number
}

/** A way to say what is normal. A new one is a file in this folder, and a line in index.ts. */
export interface Method {
  /** The settings of a rule that is posted with this method and without them. */
  defaults: { std_deviation_threshold_multiplier: number; season: 'auto' | 'hour' | 'none'; min_change_percent: number }
  /** Whether flagged values never count (zscore), or count where there are too many of them to be exceptions (robust). */
  keepsFlagged: boolean
  /** The band of the values of a pool; null: it has none, and only hard limits count. Cost: a sort of at most 2,000 values. */
  bandOf: (values: readonly number[], settings: MethodSettings) => Band | null
  /** True if the pool itself speaks against a flag, or for one, whatever the band says; undefined: it does not. */
  decide?: (value: number, side: 'above' | 'below', values: readonly number[]) => boolean | undefined
}
