import { type Baseline, bandOf } from '../verdict.ts'
import type { Method } from './method.ts'

/** Mean and standard deviation: the original's method, for both sides. */
export const zscore: Method = {
  defaults: { std_deviation_threshold_multiplier: 2, season: 'hour', min_change_percent: 0 },
  keepsFlagged: false,
  bandOf: (values, settings) => {
    const baseline = baselineOf(values)
    const band = bandOf(baseline, { ...settings, minimum_executions: 2 })
    return band && { center: baseline.mean, ...band }
  },
}

/** Count, mean and sample standard deviation; equal values have the deviation 0, whatever rounding says. */
export const baselineOf = (values: readonly number[]): Baseline => {
  const count = values.length
  const mean = values.reduce((sum, value) => sum + value, 0) / count
  if (values.every((value) => value === values[0])) return { count, mean: values[0] ?? Number.NaN, deviation: 0 }
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { count, mean, deviation: Math.sqrt(squares / (count - 1)) }
}
