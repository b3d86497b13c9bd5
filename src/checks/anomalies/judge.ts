import { explain } from './explain.ts'
import { METHODS } from './methods/index.ts'
import type { Band } from './methods/method.ts'
import { type Flagged, type PastRun, poolOf, type Range } from './pools.ts'
import type { JudgedRule } from './rule.ts'
import { type Anomaly, FRACTIONS, probabilityWithin } from './verdict.ts'

/** What a rule says of a run: it is normal, it is an anomaly, or there is too little to judge it by (null). */
export type Verdict = { isNormal: true } | { isNormal: false; anomaly: Anomaly; range: Range | null } | null

/** The range of normal values of a run; null if there are too few values. */
export const rangeOf = (tested: PastRun, history: readonly PastRun[], rule: JudgedRule, flagged: Flagged): Range | null => {
  const pool = poolOf(tested, history, rule, flagged)
  const band = pool && METHODS[rule.method].bandOf(pool.values, rule)
  if (!pool || !band) return null
  const share = (Math.abs(band.center) * rule.min_change_percent) / 100
  // The original's method has no least width.
  const least = rule.min_change_percent > 0 && !FRACTIONS.has(rule.metric_field) ? Math.max(share, 1) : share
  return { ...band, lower: Math.min(band.lower, band.center - least), upper: Math.max(band.upper, band.center + least), pool }
}

/**
 * Judges a run by a rule: first by the hard limits, then by the pool of earlier values. The same function for detection, preview and the
 * chart. A value on a limit is normal. `isSample`: the history is a sample where all runs are compared, not those of one hour.
 */
export const judgeRun = (tested: PastRun, history: readonly PastRun[], rule: JudgedRule, flagged: Flagged, isSample = false): Verdict => {
  const value = tested.values[rule.metric_field] ?? null
  if (value === null) return null
  const limit = limitCrossed(value, rule)
  const range = rangeOf(tested, history, rule, flagged)
  if (range && isSample) range.pool.isSample = range.pool.name === 'all'
  if (limit !== null) return { isNormal: false, anomaly: overLimit(value, limit, rule, range), range }
  if (!range) return rule.method === 'bounds' || rule.min_value !== null || rule.max_value !== null ? { isNormal: true } : null
  const anomaly = anomalyIn(value, tested, rule, range)
  return anomaly ? { isNormal: false, anomaly, range } : { isNormal: true }
}

/** The anomaly that a value is, by the range of normal ones; null: it is none. */
export const anomalyIn = (value: number, tested: PastRun, rule: JudgedRule, range: Range): Anomaly | null => {
  const side = value > range.center ? 'above' : 'below'
  if (rule.direction !== 'both' && rule.direction !== side) return null
  const decided = METHODS[rule.method].decide?.(value, side, range.pool.values)
  const isOutside = decided ?? (value < range.lower || value > range.upper)
  return isOutside && !isUsualOnWeekday(value, side, range) ? anomalyOf(value, side, tested, rule, range) : null
}

/**
 * While a pipeline is too young for a pool of this hour and weekday: whether all of them lie as far out as the value, by the width of
 * the band. So the second Saturday of a new pipeline is no anomaly because Saturdays have few rows. No rows at all are no such habit.
 */
const isUsualOnWeekday = (value: number, side: 'above' | 'below', { lower, upper, center, pool: { sameWeekday } }: Range): boolean => {
  if (sameWeekday.length === 0 || value === 0 || center <= 0) return false
  return side === 'above'
    ? Math.min(...sameWeekday) > upper && value <= Math.max(...sameWeekday) * (upper / center)
    : Math.max(...sameWeekday) < lower && value >= Math.min(...sameWeekday) * (Math.max(0, lower) / center)
}

const limitCrossed = (value: number, { min_value: min, max_value: max }: JudgedRule): number | null =>
  min !== null && value < min ? min : max !== null && value > max ? max : null

const contextOf = (rule: JudgedRule) => ({
  method: rule.method,
  threshold_multiplier: rule.std_deviation_threshold_multiplier,
  lookback_days: rule.lookback_days,
})

const overLimit = (value: number, limit: number, rule: JudgedRule, range: Band | null): Anomaly => ({
  violation_value: value,
  baseline_value: limit,
  deviation_percentage: limit === 0 ? null : ((value - limit) / Math.abs(limit)) * 100,
  confidence_score: 1,
  context: {
    ...contextOf(rule),
    direction: value > limit ? 'above' : 'below',
    limit,
    z_score: 0,
    baseline_std: range?.deviation ?? 0,
    lower_threshold: rule.min_value ?? range?.lower ?? 0,
    upper_threshold: rule.max_value ?? range?.upper ?? 0,
    execution_count: 0,
  },
  explanation: explain.limit(value, limit, rule),
})

const anomalyOf = (value: number, direction: 'above' | 'below', tested: PastRun, rule: JudgedRule, range: Range): Anomaly => {
  const difference = value - range.center
  const z = range.deviation > 0 ? difference / range.deviation : 0
  return {
    violation_value: value,
    baseline_value: range.center,
    deviation_percentage: range.center === 0 ? null : (difference / range.center) * 100,
    confidence_score: range.deviation > 0 ? probabilityWithin(Math.abs(z)) : 1,
    context: {
      ...contextOf(rule),
      direction,
      z_score: z,
      baseline_std: range.deviation,
      lower_threshold: range.lower,
      upper_threshold: range.upper,
      execution_count: range.pool.values.length,
      pool: range.pool.name,
      ...(range.pool.because !== undefined && { pool_because: range.pool.because }),
      ...(range.pool.isSample && { is_sample: true }),
      ...(range.pool.leftOut > 0 && { left_out: range.pool.leftOut }),
    },
    explanation: explain.range(value, tested, rule, range),
  }
}
