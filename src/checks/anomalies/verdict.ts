import type { METRIC_FIELDS } from '../../db/constraints.ts'

export type MetricField = (typeof METRIC_FIELDS)[number]

/** What the runs that count say of a metric. */
export interface Baseline {
  /** How many values there are. */
  count: number
  mean: number
  /** Sample standard deviation (divisor count - 1); 0 where all values are the same. */
  deviation: number
}

export interface Rule {
  metric_field: MetricField
  /** How many deviations from the mean are an anomaly, 1 to 10. */
  std_deviation_threshold_multiplier: number
  lookback_days: number
  /** Fewer values than this give no verdict. */
  minimum_executions: number
}

/** What is recorded of an anomaly. */
export interface Anomaly {
  violation_value: number
  /** The baseline's mean. */
  baseline_value: number
  /** Of the value from the mean, negative below it; null where the mean is 0. */
  deviation_percentage: number | null
  /** Two-sided normal probability of a smaller deviation, 0 to 1: 0.954 at two deviations, 0.997 at three. */
  confidence_score: number
  context: {
    direction: 'above' | 'below'
    /** Deviations from the mean, negative below it. */
    z_score: number
    /** The deviation that was used: of a flat baseline a substitute (see `effectiveDeviation`). */
    baseline_std: number
    threshold_multiplier: number
    lower_threshold: number
    upper_threshold: number
    lookback_days: number
    execution_count: number
  }
}

/**
 * Whether a value is an anomaly against its baseline: more than multiplier × deviation above or below the mean.
 * null: it is not, or there are too few values to say.
 */
export const judge = (value: number, baseline: Baseline, rule: Rule): Anomaly | null => {
  const band = bandOf(baseline, rule)
  if (!band) return null
  const { mean } = baseline
  const { deviation, lower, upper } = band
  if (value >= lower && value <= upper) return null
  const difference = value - mean
  const z = difference / deviation
  return {
    violation_value: value,
    baseline_value: mean,
    deviation_percentage: mean === 0 ? null : (difference / mean) * 100,
    confidence_score: probabilityWithin(Math.abs(z)),
    context: {
      direction: difference > 0 ? 'above' : 'below',
      z_score: z,
      baseline_std: deviation,
      threshold_multiplier: rule.std_deviation_threshold_multiplier,
      lower_threshold: lower,
      upper_threshold: upper,
      lookback_days: rule.lookback_days,
      execution_count: baseline.count,
    },
  }
}

/** What is still normal, and the deviation that its width is a multiple of; null where there are too few values to say. */
export const bandOf = (
  baseline: Baseline,
  rule: Omit<Rule, 'lookback_days'>,
): { deviation: number; lower: number; upper: number } | null => {
  if (baseline.count < rule.minimum_executions || baseline.count < 2) return null
  const deviation = effectiveDeviation(baseline, rule.metric_field)
  const allowed = rule.std_deviation_threshold_multiplier * deviation
  return { deviation, lower: baseline.mean - allowed, upper: baseline.mean + allowed }
}

/**
 * A flat baseline is taken to deviate by 1 % of its mean, and whole numbers by 1 at the least: a change is seen, a wobble
 * is not. throughput alone is no whole number; of a mean of 0 there is no percentage, and 1 row a second is taken.
 */
const effectiveDeviation = ({ mean, deviation }: Baseline, metric: MetricField): number => {
  if (deviation > 0) return deviation
  const share = Math.abs(mean) / 100
  return metric === 'throughput' && share > 0 ? share : Math.max(share, 1)
}

/** The probability that a normal value lies within z deviations of its mean: erf(z / √2). */
const probabilityWithin = (z: number): number => Math.min(1, errorFunction(z / Math.SQRT2))

const SERIES_BELOW = 3
const TERMS = 60

/**
 * erf for x ≥ 0 to about 15 digits: its Taylor series around 0 (Abramowitz and Stegun 7.1.6, all terms positive) and,
 * where that would need many terms, the continued fraction of its complement (7.1.14).
 */
const errorFunction = (x: number): number => {
  const scale = Math.exp(-x * x) / Math.sqrt(Math.PI)
  if (x < SERIES_BELOW) {
    let term = 2 * x
    let sum = term
    for (let n = 1; n < TERMS; n += 1) {
      term *= (2 * x * x) / (2 * n + 1)
      sum += term
    }
    return scale * sum
  }
  if (scale === 0) return 1
  let fraction = x
  for (let n = TERMS; n >= 1; n -= 1) fraction = x + n / 2 / fraction
  return 1 - scale / fraction
}
