import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { judgeRun, rangeOf } from '../../src/checks/anomalies/judge.ts'
import { METHODS, type MethodName } from '../../src/checks/anomalies/methods/index.ts'
import type { PastRun } from '../../src/checks/anomalies/pools.ts'
import { DIRECTIONS, type JudgedRule, SEASONS } from '../../src/checks/anomalies/rule.ts'
import { FRACTIONS } from '../../src/checks/anomalies/verdict.ts'
import { METRIC_FIELDS } from '../../src/db/constraints.ts'
import { seededBy } from '../../src/demo/seeded.ts'

const CASES = 1_000
const HOUR = 3_600
const WEEK = 7 * 24 * HOUR

const pick = <Item>(items: readonly Item[], random: () => number): Item => items[Math.floor(random() * items.length)] as Item

/** A random baseline of one run a week at one time, so that every season has the same pool; and a value. */
const makeCase = (seed: number) => {
  const random = seededBy(`anomaly ${seed}`)
  const rule: JudgedRule = {
    method: pick(Object.keys(METHODS) as MethodName[], random),
    metric_field: pick(METRIC_FIELDS, random),
    std_deviation_threshold_multiplier: 1 + Math.round(random() * 40) / 10,
    lookback_days: 365,
    minimum_executions: 5,
    direction: pick(DIRECTIONS, random),
    season: pick(SEASONS, random),
    min_change_percent: pick([0, 0, 5, 10, 50], random),
    min_value: random() < 0.15 ? Math.floor(random() * 50) : null,
    max_value: random() < 0.15 ? 1_000 + Math.floor(random() * 1e6) : null,
    baseline_from: null,
  }
  const scale = 10 ** (random() * 6)
  const spread = pick([0, 0.02, 0.2, 1], random)
  const whole = (value: number) => (FRACTIONS.has(rule.metric_field) ? Math.max(0, value) : Math.max(0, Math.round(value)))
  const shape = pick(['normal', 'flat', 'zeros', 'skewed'], random)
  const draw = () => {
    const noise = random() + random() + random() + random() - 2
    if (shape === 'flat' && random() < 0.6) return whole(scale)
    if (shape === 'zeros' && random() < 0.4) return 0
    return whole(shape === 'skewed' ? scale * Math.exp(noise * spread * 2) : scale * (1 + noise * spread))
  }
  const values = Array.from({ length: 5 + Math.floor(random() * 40) }, draw)
  const value = pick([0, draw(), whole(scale * 3), whole(scale / 2), whole(scale * (0.8 + 0.4 * random()))], random)
  const run = (id: number, weeks: number, metric: number): PastRun => {
    const start = 1_700_000_000 - weeks * WEEK
    return { id, start, end: start + 60, local: start, utcHour: 0, values: { [rule.metric_field]: metric } }
  }
  return { rule, value, values, tested: run(0, 0, value), past: values.map((metric, index) => run(index + 1, index + 1, metric)) }
}

/** Compares the verdicts and bands of random rules and baselines with those of anomalies.py. Answers how many were flagged. */
export const checkAnomalies = (python: string): { cases: number; flagged: number } => {
  const cases = Array.from({ length: CASES }, (_, seed) => makeCase(seed))
  const input = cases.map(({ rule, value, values }) => JSON.stringify({ rule, value, values })).join('\n')
  const output = execFileSync(python, [join(import.meta.dirname, 'anomalies.py')], { input, encoding: 'utf8' })
  let flagged = 0
  for (const [index, line] of output.trim().split('\n').entries()) {
    const { rule, tested, past, value, values } = cases[index] as ReturnType<typeof makeCase>
    const expected = JSON.parse(line) as { flagged: boolean; center?: number; lower?: number; upper?: number }
    const verdict = judgeRun(tested, past, rule, new Set())
    const about = JSON.stringify({ index, rule, value, values })
    assert.equal(verdict !== null && !verdict.isNormal, expected.flagged, about)
    if (expected.flagged) flagged += 1
    const range = rangeOf(tested, past, rule, new Set())
    for (const edge of ['center', 'lower', 'upper'] as const) {
      if (expected[edge] === undefined) continue
      const [ours, theirs] = [range?.[edge] ?? Number.NaN, expected[edge]]
      assert.ok(Math.abs(ours - theirs) <= 1e-9 * Math.max(1, Math.abs(theirs)), `${edge}: ${ours}, not ${theirs}: ${about}`)
    }
  }
  return { cases: CASES, flagged }
}
