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
