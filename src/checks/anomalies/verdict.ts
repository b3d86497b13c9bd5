import type { METRIC_FIELDS } from '../../db/constraints.ts'

export type MetricField = (typeof METRIC_FIELDS)[number]

/** The metrics with fractions: the others are whole numbers. */
export const FRACTIONS: ReadonlySet<MetricField> = new Set(['throughput', 'rows_ratio'])

/** A metric's values in the runs of the baseline. */
export interface Baseline {
  /** How many values there are. */
  count: number
  mean: number
  /** Sample standard deviation (divisor count - 1); 0 if all values are the same. */
  deviation: number
}

export interface Rule {
  metric_field: MetricField
  /** Values within this many deviations of the mean are normal; 1 to 10. */
  std_deviation_threshold_multiplier: number
  /** With fewer values there is no verdict. */
  minimum_executions: number
}

/** What is recorded about an anomaly. */
export interface Anomaly {
  violation_value: number
  /** The baseline's mean. */
  baseline_value: number
  /** Difference from the mean in percent, negative below it; null if the mean is 0. */
  deviation_percentage: number | null
  /** Two-sided normal probability of a smaller deviation, 0 to 1: 0.954 at two deviations, 0.997 at three. */
  confidence_score: number
  context: {
    direction: 'above' | 'below'
    /** Deviations from the mean, negative below it. */
    z_score: number
    /** The deviation that was used; for a flat baseline, a substitute (see `effectiveDeviation`). */
    baseline_std: number
    threshold_multiplier: number
    lower_threshold: number
    upper_threshold: number
    lookback_days: number
    execution_count: number
    /** The method, the pool of earlier runs, and how many of that were left out as flagged; absent in results of earlier versions. */
    method?: string
    pool?: string
    /** Why it is this pool, where the season prefers others. */
    pool_because?: string
    /** True if there were so many runs that the pool is an even sample of them. */
    is_sample?: boolean
    left_out?: number
    /** The hard limit that was crossed. */
    limit?: number
    /** Since when the values have another level: the start of the first of at least five flags in a row on one side. */
    new_level_since?: string
  }
  /** One sentence: the value, and what is usual. */
  explanation: string
}

/** The range of normal values, and the deviation that gives its width; null if there are too few values. */
export const bandOf = (baseline: Baseline, rule: Rule): { deviation: number; lower: number; upper: number } | null => {
  if (baseline.count < rule.minimum_executions || baseline.count < 2) return null
  const deviation = effectiveDeviation(baseline, rule.metric_field)
  const allowed = rule.std_deviation_threshold_multiplier * deviation
  return { deviation, lower: baseline.mean - allowed, upper: baseline.mean + allowed }
}

/**
 * A flat baseline counts as deviating by 1 % of its mean, and by at least 1: a change is an anomaly, a small variation is
 * not. To a metric with fractions the minimum of 1 applies only if its mean is 0.
 */
const effectiveDeviation = ({ mean, deviation }: Baseline, metric: MetricField): number => {
  if (deviation > 0) return deviation
  const share = Math.abs(mean) / 100
  return FRACTIONS.has(metric) && share > 0 ? share : Math.max(share, 1)
}

/** The probability that a normal value lies within z deviations of its mean: erf(z / √2). */
export const probabilityWithin = (z: number): number => Math.min(1, errorFunction(z / Math.SQRT2))

const SERIES_BELOW = 3
const TERMS = 60

/**
 * erf for x ≥ 0 to about 15 digits: its Taylor series around 0 (Abramowitz and Stegun 7.1.6, all terms positive) or, if
 * that would need many terms, the continued fraction of its complement (7.1.14).
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
