import { type SQL, sql } from 'drizzle-orm'

/**
 * A histogram of durations in whole seconds that PostgreSQL can add up: one `numeric` with eight decimal digits for each bucket,
 * the first bucket in the last eight digits. `sum()` of histograms is the histogram of all runs, ten times faster than with an
 * array. Buckets up to EXACT seconds hold one value each; each later one reaches GROWTH times as far as the one before, so the
 * value that stands for it differs from its values by at most 2 % (the buckets of DDSketch, Masson et al. 2019).
 */
const DIGITS = 8
const EXACT = 48
const ERROR = 0.02
const GROWTH = (1 + ERROR) / (1 - ERROR)

/** A bucket overflows into the next one beyond this many runs: do not add up more than this. */
export const MAX_RUNS = 10 ** DIGITS - 1

/** The number of a duration's bucket; `seconds` is an expression. */
export const bucketOf = (seconds: SQL): SQL =>
  sql`case when ${seconds} <= ${sql.raw(String(EXACT))} then ${seconds}::int
    else ${sql.raw(String(EXACT))} + ceil(ln(${seconds}::double precision / ${sql.raw(String(EXACT))}) / ${sql.raw(String(Math.log(GROWTH)))})::int end`

/** The histogram of `count` runs in one bucket. */
export const histogramOf = (bucket: SQL, count: SQL): SQL =>
  sql`(${count}::text || repeat('0', ${sql.raw(String(DIGITS))} * ${bucket}))::numeric`

/** The duration that stands for a bucket. */
const secondsOf = (bucket: number): number => (bucket <= EXACT ? bucket : (2 * EXACT * GROWTH ** (bucket - EXACT)) / (1 + GROWTH))

/** How many runs each bucket holds. */
export type Histogram = number[]

/** Adds runs to one bucket. */
export const addToBucket = (sum: Histogram, bucket: number, runs: number): void => {
  while (sum.length <= bucket) sum.push(0)
  sum[bucket] = (sum[bucket] ?? 0) + runs
}

/** Adds a histogram, as PostgreSQL's text, to another. */
export const addHistogram = (sum: Histogram, text: string): void => {
  for (let end = text.length, bucket = 0; end > 0; end -= DIGITS, bucket += 1) {
    addToBucket(sum, bucket, Number(text.slice(Math.max(0, end - DIGITS), end)))
  }
}

/** The histogram in PostgreSQL's text. */
export const histogramIn = (text: string): Histogram => {
  const histogram: Histogram = []
  addHistogram(histogram, text)
  return histogram
}

/** The percentile (0 to 1) of the runs, at most 2 % off, interpolated as PostgreSQL's percentile_cont does; null if there are none. */
export const percentileIn = (histogram: Histogram, share: number): number | null => {
  const count = histogram.reduce((sum, runs) => sum + runs, 0)
  if (count === 0) return null
  const rank = share * (count - 1)
  const [lower, upper] = [valueAt(histogram, Math.floor(rank)), valueAt(histogram, Math.ceil(rank))]
  return lower + (upper - lower) * (rank - Math.floor(rank))
}

/** The value with this rank, from 0, in ascending order. */
const valueAt = (histogram: Histogram, rank: number): number => {
  let passed = 0
  const bucket = histogram.findIndex((runs) => {
    passed += runs
    return passed > rank
  })
  return secondsOf(bucket)
}
