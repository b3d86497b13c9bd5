import type { MethodName } from './methods/index.ts'
import type { MetricField } from './verdict.ts'

/** Bounds and defaults of a rule's settings, for the table, the API, and the chart's band if there is no rule. */
export const RULE_BOUNDS = {
  /** Values within this many standard deviations of the mean are normal. */
  std_deviation_threshold_multiplier: { min: 1, max: 10, default: 2 },
  /** Days of history in the baseline. */
  lookback_days: { min: 1, max: 365, default: 30 },
  /** With fewer values there is no verdict. */
  minimum_executions: { min: 5, max: 1000, default: 10 },
} as const

type RuleSettings = { -readonly [Name in keyof typeof RULE_BOUNDS]: number }

export const RULE_DEFAULTS: RuleSettings = {
  std_deviation_threshold_multiplier: RULE_BOUNDS.std_deviation_threshold_multiplier.default,
  lookback_days: RULE_BOUNDS.lookback_days.default,
  minimum_executions: RULE_BOUNDS.minimum_executions.default,
}

/** Which side of the band is an anomaly. */
export const DIRECTIONS = ['both', 'above', 'below'] as const
/** Which earlier runs a run is compared with. */
export const SEASONS = ['auto', 'hour', 'hour_of_week', 'none'] as const

export const MIN_CHANGE_PERCENT = { min: 0, max: 1_000 }
/** After how many flags on one side a new level is accepted by itself. */
export const ACCEPT_LEVEL_AFTER = { min: 5, max: 1_000 }

/** A rule as runs are judged by it. */
export interface JudgedRule {
  method: MethodName
  metric_field: MetricField
  std_deviation_threshold_multiplier: number
  lookback_days: number
  /** With fewer values a pool gives no verdict. */
  minimum_executions: number
  direction: (typeof DIRECTIONS)[number]
  season: (typeof SEASONS)[number]
  /** The band is never narrower than this share of its centre, on each side. */
  min_change_percent: number
  /** Hard limits; null: none. */
  min_value: number | null
  max_value: number | null
  /** Runs that started before do not count, in seconds since 1970; null: all do. */
  baseline_from: number | null
}
