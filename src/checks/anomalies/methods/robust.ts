import type { Method } from './method.ts'

/**
 * Median and spread, on the values and on their logarithms: an earlier outlier moves neither, a drop of a skewed metric is seen, and a pool of
 * few values has a wider band. Rousseeuw and Croux (1993) for the scale; the factors for small pools were found by simulation
 * (`npm run bench -- anomalies`).
 */
export const robust: Method = {
  defaults: { std_deviation_threshold_multiplier: 3, season: 'auto', min_change_percent: 10 },
  keepsFlagged: true,
  bandOf: (values, { std_deviation_threshold_multiplier: k, metric_field }) => {
    if (values.length < 2) return null
    const n = values.length
    const plain = centerAndScale(values)
    const logarithmic = centerAndScale(values.map((value) => Math.log1p(value)))
    const [above, below] = [k * (1 + 1 / n), k * LOWER_FACTOR * (1 + 4 / n)]
    const upper = Math.max(plain.center + above * plain.scale, Math.expm1(logarithmic.center + above * logarithmic.scale))
    const lower = Math.expm1(logarithmic.center - below * logarithmic.scale)
    // Counts vary by their root anyway.
    const least = COUNTED.has(metric_field) ? 2 * Math.sqrt(Math.max(0, plain.center)) : 0
    return {
      center: plain.center,
      deviation: plain.scale,
      lower: Math.min(lower, plain.center - least),
      upper: Math.max(upper, plain.center + least),
    }
  },
  decide: (value, side, values) => {
    const asFar = values.filter((other) => (side === 'above' ? other >= value : other <= value)).length
    // What a tenth of the pool does too is no exception.
    if (asFar > values.length / 10) return false
    if (value === 0 && Math.min(...values) >= ZERO_FROM) return true
    return undefined
  },
}

const LOWER_FACTOR = 1.15
/** A zero is an anomaly where no value of the pool was below this. */
const ZERO_FROM = 5
/** Counts of rows, whose smallest variation is their root. */
const COUNTED: ReadonlySet<string> = new Set(['inserts', 'updates', 'soft_deletes', 'total_rows'])

/** To a standard deviation, of a normal distribution: from the median absolute deviation, the mean one, and the range of the middle 80 %. */
const [FROM_MEDIAN, FROM_MEAN, MIDDLE] = [1.4826, 1.2533, 2.563]

const centerAndScale = (values: readonly number[]): { center: number; scale: number } => {
  const sorted = Float64Array.from(values).sort()
  const center = quantileOf(sorted, 0.5)
  const distances = sorted.map((value) => Math.abs(value - center)).sort()
  const median = quantileOf(distances, 0.5)
  const spread = median > 0 ? FROM_MEDIAN * median : (FROM_MEAN * distances.reduce((sum, distance) => sum + distance, 0)) / distances.length
  const middle = (quantileOf(sorted, 0.9) - quantileOf(sorted, 0.1)) / MIDDLE
  return { center, scale: Math.max(spread, middle) * Math.sqrt(1 + 1 / values.length) }
}

/** A quantile of sorted values, interpolated as PostgreSQL's percentile_cont does. */
const quantileOf = (sorted: Float64Array, share: number): number => {
  const rank = share * (sorted.length - 1)
  const [below, above] = [sorted[Math.floor(rank)] ?? Number.NaN, sorted[Math.ceil(rank)] ?? Number.NaN]
  return below + (above - below) * (rank - Math.floor(rank))
}
