import { duration, grouped, ratio, roughly } from '../../core/figures.ts'
import { modulo, type PastRun, type Pool, type Range } from './pools.ts'
import type { JudgedRule } from './rule.ts'
import type { MetricField } from './verdict.ts'

/** Sentences about findings: what the value was, and what is usual at that time. */

const UNITS: Record<MetricField, string> = {
  duration_seconds: '',
  inserts: ' inserts',
  updates: ' updates',
  soft_deletes: ' soft deletes',
  total_rows: ' rows',
  throughput: ' rows per second',
  rows_ratio: ' rows for each input row',
}

const inWords = (value: number, metric: MetricField): string =>
  metric === 'duration_seconds' ? duration(Math.max(0, value)) : metric === 'rows_ratio' ? ratio(value) : roughly(value)
const withUnit = (value: number, metric: MetricField): string => `${inWords(value, metric)}${UNITS[metric]}`

const WEEKDAYS = ['Thursdays', 'Fridays', 'Saturdays', 'Sundays', 'Mondays', 'Tuesdays', 'Wednesdays']
/** The time of day as a clock shows it, in whole hours. */
const clock = (local: number): string => `${String(Math.floor(modulo(local, 86_400) / 3_600)).padStart(2, '0')}:00`
/** The day of the week; 1 January 1970 was a Thursday. */
const weekday = (local: number): string => WEEKDAYS[modulo(Math.floor(local / 86_400), 7)] ?? ''

const timesOf = (name: Pool['name'], local: number): string =>
  name === 'all' ? 'earlier runs' : name === 'same hour' ? `runs at ${clock(local)}` : `${weekday(local)} at ${clock(local)}`

export const explain = {
  /** `1,204 rows; Mondays at 06:00 have 48,000 to 61,000 (median 54,210 of 12 runs)` */
  range: (value: number, tested: PastRun, rule: JudgedRule, { lower, upper, center, pool }: Range): string => {
    const metric = rule.metric_field
    const middle = rule.method === 'robust' ? 'median' : 'mean'
    const from = inWords(Math.max(0, lower), metric)
    // The original's hour is that of UTC.
    const at = rule.method === 'zscore' ? tested.start : tested.local
    return `${withUnit(value, metric)}; ${timesOf(pool.name, at)} have ${from} to ${inWords(upper, metric)} (${middle} ${inWords(center, metric)} of ${pool.isSample ? 'a sample of ' : ''}${grouped(pool.values.length)} runs)`
  },
  limit: (value: number, limit: number, { metric_field }: JudgedRule): string =>
    `${withUnit(value, metric_field)}; ${value > limit ? 'at most' : 'at least'} ${inWords(limit, metric_field)} ${limit === 1 ? 'is' : 'are'} allowed`,
}
