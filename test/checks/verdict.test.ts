import { describe, expect, it } from 'vitest'
import { anomalyIn } from '../../src/checks/anomalies/judge.ts'
import type { JudgedRule } from '../../src/checks/anomalies/rule.ts'
import { type Baseline, bandOf } from '../../src/checks/anomalies/verdict.ts'

const rule = (fields: Partial<JudgedRule> = {}): JudgedRule => ({
  method: 'zscore',
  metric_field: 'inserts',
  std_deviation_threshold_multiplier: 2,
  lookback_days: 30,
  minimum_executions: 5,
  direction: 'both',
  season: 'hour',
  min_change_percent: 0,
  min_value: null,
  max_value: null,
  baseline_from: null,
  ...fields,
})

/** The anomaly that a value is beside a baseline. */
const judge = (value: number, baseline: Baseline, of: JudgedRule) => {
  const band = bandOf(baseline, of)
  const tested = { id: 1, start: 0, end: 60, local: 0, utcHour: 0, values: { [of.metric_field]: value } }
  const pool = {
    name: 'same hour' as const,
    values: Array.from({ length: baseline.count }, () => baseline.mean),
    leftOut: 0,
    sameWeekday: [],
  }
  return band && anomalyIn(value, tested, of, { center: baseline.mean, ...band, pool })
}

/** Mean and sample standard deviation, by their definitions. */
const baselineOf = (values: number[]) => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { count: values.length, mean, deviation: Math.sqrt(squares / (values.length - 1)) }
}

/** The normal density, integrated by Simpson's rule from -z to z: independent of the verdict's own erf. */
const probabilityWithin = (z: number): number => {
  const steps = 20_000
  const width = (2 * z) / steps
  let sum = 0
  for (let step = 0; step <= steps; step += 1) {
    const x = -z + step * width
    const weight = step === 0 || step === steps ? 1 : step % 2 === 1 ? 4 : 2
    sum += (weight * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI)
  }
  return (sum * width) / 3
}

const VALUES = [100, 110, 90, 105, 95, 102, 98]

describe('the verdict', () => {
  it('is an anomaly beyond multiplier × deviation, above and below, but not exactly at it', () => {
    const baseline = { count: 10, mean: 100, deviation: 5 }
    expect(judge(110, baseline, rule())).toBeNull()
    expect(judge(90, baseline, rule())).toBeNull()
    expect(judge(110.001, baseline, rule())?.context.direction).toBe('above')
    expect(judge(89.999, baseline, rule())?.context.direction).toBe('below')
    expect(judge(111, baseline, rule({ std_deviation_threshold_multiplier: 2.5 }))).toBeNull()
  })

  it('returns all fields of the anomaly', () => {
    const baseline = baselineOf(VALUES)
    const found = judge(160, baseline, rule())
    expect(found?.violation_value).toBe(160)
    expect(found?.baseline_value).toBeCloseTo(100, 10)
    expect(found?.deviation_percentage).toBeCloseTo(60, 10)
    expect(found?.context).toEqual({
      direction: 'above',
      z_score: expect.closeTo(60 / baseline.deviation, 10),
      baseline_std: expect.closeTo(Math.sqrt(258 / 6), 10),
      threshold_multiplier: 2,
      lower_threshold: expect.closeTo(100 - 2 * baseline.deviation, 10),
      upper_threshold: expect.closeTo(100 + 2 * baseline.deviation, 10),
      lookback_days: 30,
      execution_count: 7,
      method: 'zscore',
      pool: 'same hour',
    })
  })

  it('finds a load that dropped to 0', () => {
    const found = judge(0, baselineOf(VALUES), rule())
    expect([found?.deviation_percentage, found?.context.direction]).toEqual([expect.closeTo(-100, 10), 'below'])
    expect(found?.context.z_score).toBeLessThan(-10)
  })

  it.each([1.001, 1.5, 2, 2.5, 2.999, 3, 3.5, 4.2425, 4.243, 5, 6, 8])(
    'has the confidence of the normal distribution at %d deviations',
    (z) => {
      const found = judge(1000 + z * 10, { count: 10, mean: 1000, deviation: 10 }, rule({ std_deviation_threshold_multiplier: 1 }))
      expect(found?.confidence_score).toBeCloseTo(probabilityWithin(z), 12)
      expect(
        judge(1000 - z * 10, { count: 10, mean: 1000, deviation: 10 }, rule({ std_deviation_threshold_multiplier: 1 }))?.confidence_score,
      ).toBe(found?.confidence_score)
    },
  )

  it('gives the scores of the contract, and never more than 1', () => {
    const at = (z: number) =>
      judge(z, { count: 10, mean: 0, deviation: 1 }, rule({ std_deviation_threshold_multiplier: 1 }))?.confidence_score ?? 0
    expect([at(2).toFixed(3), at(3).toFixed(3)]).toEqual(['0.954', '0.997'])
    expect([at(40), at(1e6), at(1e300)]).toEqual([1, 1, 1])
  })

  it('is null with too few values', () => {
    expect(judge(1e9, { count: 4, mean: 1, deviation: 1 }, rule({ minimum_executions: 5 }))).toBeNull()
    expect(judge(1e9, { count: 5, mean: 1, deviation: 1 }, rule({ minimum_executions: 5 }))).not.toBeNull()
    // One value has no deviation, whatever the rule says.
    expect(judge(1e9, { count: 1, mean: 1, deviation: 0 }, rule({ minimum_executions: 1 }))).toBeNull()
    expect(judge(1e9, { count: 2, mean: 1, deviation: 1 }, rule({ minimum_executions: 1 }))).not.toBeNull()
  })

  it.each([
    // A flat baseline counts as deviating by 1 % of its mean, whole numbers by at least 1.
    ['inserts', 1000, 1020, false],
    ['inserts', 1000, 1021, true],
    ['inserts', 1000, 979, true],
    ['total_rows', 50, 52, false],
    ['total_rows', 50, 53, true],
    ['updates', 0, 2, false],
    ['updates', 0, 3, true],
    ['soft_deletes', 0, 0, false],
    ['duration_seconds', 10, 12, false],
    ['duration_seconds', 10, 13, true],
    ['throughput', 0.5, 0.5099, false],
    ['throughput', 0.5, 0.511, true],
    ['throughput', 0, 2, false],
    ['throughput', 0, 2.1, true],
  ] as const)('on a flat baseline of %s at %d: is %d an anomaly? %s', (metric_field, mean, value, isAnomaly) => {
    const found = judge(value, { count: 10, mean, deviation: 0 }, rule({ metric_field }))
    expect(found !== null).toBe(isAnomaly)
    if (mean === 0 && found) expect(found.deviation_percentage).toBeNull()
  })
})
