/** What a rule may say, and what it says where nothing is given: for the table, the API, and the chart's band without a rule. */
export const RULE_BOUNDS = {
  /** How many standard deviations from the mean are still normal. */
  std_deviation_threshold_multiplier: { min: 1, max: 10, default: 2 },
  /** Days of history that make the baseline. */
  lookback_days: { min: 1, max: 365, default: 30 },
  /** Fewer values than this give no verdict. */
  minimum_executions: { min: 5, max: 1000, default: 10 },
} as const

type RuleSettings = { -readonly [Name in keyof typeof RULE_BOUNDS]: number }

export const RULE_DEFAULTS: RuleSettings = {
  std_deviation_threshold_multiplier: RULE_BOUNDS.std_deviation_threshold_multiplier.default,
  lookback_days: RULE_BOUNDS.lookback_days.default,
  minimum_executions: RULE_BOUNDS.minimum_executions.default,
}
